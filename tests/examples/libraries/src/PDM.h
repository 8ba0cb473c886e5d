/* As much of Arduino's library of this name as the examples call, declared as its documentation has it. */
class PDMClass {
public:
    int begin(int, int) { return 1; }
    void onReceive(void (*heard)()) { heard_ = heard; }
    void setBufferSize(int) {}
    int read(void *to, unsigned room)
    {
        const unsigned n = room < bytes_ ? room : bytes_;
        memcpy(to, sound_, n);
        bytes_ -= n;
        return (int)n;
    }
    /* For tests: a buffer of the microphone is full. */
    void deliver(const void *sound, unsigned bytes)
    {
        sound_ = sound;
        bytes_ = bytes;
        heard_();
    }

private:
    void (*heard_)() = nullptr;
    const void *sound_ = nullptr;
    unsigned bytes_ = 0;
};
static PDMClass PDM;
