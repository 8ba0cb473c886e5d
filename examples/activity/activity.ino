/* activity.ino - tells standing, walking, running and badminton apart from a wrist's movements.
 *
 * Serial port, 115200 baud, lines of text:
 *   -12,40,981,3,-7,0   one sample: acceleration x, y, z and rotation x, y, z in hundredths of their units;
 *                       after 100 of them comes the answer, and the next window begins
 *   (an empty line)     forget the samples so far
 *   anything else       answered with "?"; the samples so far are forgotten
 * The answer: index of the class, its name, microseconds that the model took.
 */
#include "activity.h"
#include "features.h"

#if WINDOW_FEATURES != ACTIVITY_N_FEATURES
#error "activity.h was made for other features"
#endif

/* The line that is being received. Numbers are read digit by digit, so that no line is too long. */
struct Line {
    int16_t sample[WINDOW_CHANNELS];
    uint8_t numbers; /* finished ones */
    uint16_t digits; /* value of the digits of the current number, without its sign */
    bool begun, negative, has_digits, wrong;
};

static Line line;
static window_t window;

static void answer()
{
    int16_t x[WINDOW_FEATURES];
    window_features(&window, x);
    const unsigned long start = micros();
    const int index = activity_predict(x);
    const unsigned long took = micros() - start;
    Serial.print(index);
    Serial.print(' ');
    Serial.print(activity_label(index));
    Serial.print(' ');
    Serial.println(took);
}

static void endNumber()
{
    const uint16_t largest = line.negative ? 32768u : 32767u;
    if (!line.has_digits || line.digits > largest || line.numbers == WINDOW_CHANNELS) {
        line.wrong = true;
        return;
    }
    line.sample[line.numbers++] = (int16_t)(line.negative ? -(int32_t)line.digits : line.digits);
    line.digits = 0;
    line.negative = line.has_digits = false;
}

static void endLine()
{
    if (!line.begun) {
        window_clear(&window);
        return;
    }
    endNumber();
    if (line.wrong || line.numbers != WINDOW_CHANNELS) {
        window_clear(&window);
        Serial.println('?');
    } else if (window_push(&window, line.sample)) {
        answer();
        window_clear(&window);
    }
    line = Line();
}

static void receive(char c)
{
    if (c == '\r') return;
    if (c == '\n') {
        endLine();
        return;
    }
    line.begun = true;
    if (c == ',') {
        endNumber();
    } else if (c == '-' && !line.negative && !line.has_digits) {
        line.negative = true;
    } else if (c >= '0' && c <= '9' && line.digits <= 6552) { /* 65529 at most: it cannot wrap */
        line.digits = line.digits * 10 + (c - '0');
        line.has_digits = true;
    } else {
        line.wrong = true;
    }
}

void setup()
{
    Serial.begin(115200);
    Serial.println(F("ready"));
}

void loop()
{
    while (Serial.available()) receive((char)Serial.read());
}
