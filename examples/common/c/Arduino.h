/* Arduino.h - as much of Arduino's language as the examples' sketches use, for cores whose real one is not here.
 *
 * Serial reads the bytes of one recording, and writes the answer to it. No time passes.
 */
#ifndef ARDUINO_H
#define ARDUINO_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define F(text) text

class RecordedSerial {
public:
    /* What is read next, and room for what is written: zeros, of which the last stays. */
    void play(const uint8_t *bytes, size_t n, char *said, size_t room)
    {
        next_ = bytes;
        left_ = n;
        said_ = said;
        room_ = room;
        memset(said, 0, room);
    }
    void begin(unsigned long) {}
    int available() const { return (int)left_; }
    int read() { return left_ ? (--left_, *next_++) : -1; }
    void print(char c)
    {
        if (room_ > 1) {
            *said_++ = c;
            --room_;
        }
    }
    void print(const char *text)
    {
        while (*text) print(*text++);
    }
    void print(long number)
    {
        if (number < 0) print('-');
        printDigits(number < 0 ? 0ul - (unsigned long)number : (unsigned long)number);
    }
    void print(int number) { print((long)number); }
    template <typename T> void println(T value)
    {
        print(value);
        print('\n');
    }
    operator bool() const { return true; }

private:
    void printDigits(unsigned long number)
    {
        if (number > 9) printDigits(number / 10);
        print((char)('0' + number % 10));
    }
    const uint8_t *next_;
    char *said_;
    size_t left_, room_;
};

static RecordedSerial Serial;

static inline unsigned long millis() { return 0; }
static inline void delay(unsigned long) {}

void setup();
void loop();

/* Starts the sketch if need be, and runs it until it has read the recording. */
static inline void replay(const void *bytes, size_t n, void *said, size_t room)
{
    static bool started = false;
    if (!started) {
        char ignored[32];
        Serial.play(NULL, 0, ignored, sizeof ignored);
        setup();
        started = true;
    }
    Serial.play((const uint8_t *)bytes, n, (char *)said, room);
    while (Serial.available()) loop();
}

#endif
