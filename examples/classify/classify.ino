/* classify.ino - which of three irises a flower is.
 *
 * Type the length and width of a sepal and of a petal into the serial monitor, 115200 baud, in millimetres: 51 35 14 2.
 * With RECORDED defined, they come over that port as four int16, low byte first.
 */
#include "classify.h"

#ifdef RECORDED
#include "recorded.h"

static bool read_flower(int16_t *millimetres)
{
    return recorded(millimetres, CLASSIFY_N_FEATURES);
}
#else
static bool read_flower(int16_t *millimetres)
{
    if (!Serial.available()) return false;
    for (uint8_t i = 0; i < CLASSIFY_N_FEATURES; ++i) millimetres[i] = (int16_t)Serial.parseInt();
    while (Serial.available()) Serial.read(); /* the end of the line */
    return true;
}
#endif

void setup()
{
    Serial.begin(115200);
    Serial.println(F("ready"));
}

void loop()
{
    classify_input_t millimetres[CLASSIFY_N_FEATURES];
    if (read_flower(millimetres)) Serial.println(classify_label(classify_predict(millimetres)));
}
