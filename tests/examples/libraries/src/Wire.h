/* As much of Arduino's library of this name as the examples call, declared as its documentation has it. */
class TwoWire {
public:
    void begin() {}
};
static TwoWire Wire;
