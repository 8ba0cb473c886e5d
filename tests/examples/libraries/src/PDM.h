/* As much of Arduino's library of this name as the examples call, declared as its documentation has it. */
class PDMClass {
public:
    int begin(int, int) { return 1; }
    int read(void *, unsigned) { return 0; }
    void onReceive(void (*)()) {}
    void setBufferSize(int) {}
};
static PDMClass PDM;
