/* As much of Arduino's library of this name as the examples call, declared as its documentation has it. */
#define SPI_MODE3 0x0C
class SPISettings {
public:
    SPISettings(uint32_t, uint8_t, uint8_t) {}
};
class SPIClass {
public:
    void begin() {}
    void usingInterrupt(uint8_t) {}
    void beginTransaction(SPISettings) {}
    uint8_t transfer(uint8_t) { return 0xe5; }
    void endTransaction() {}
};
static SPIClass SPI;
