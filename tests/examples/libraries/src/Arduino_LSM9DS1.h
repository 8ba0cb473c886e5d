/* As much of Arduino's library of this name as the examples call, declared as its documentation has it. */
class LSM9DS1Class {
public:
    int begin() { return 1; }
    int accelerationAvailable() { return 1; }
    int gyroscopeAvailable() { return 1; }
    int readAcceleration(float &x, float &y, float &z) { return (x = y = z = 0.0f, 1); }
    int readGyroscope(float &x, float &y, float &z) { return (x = y = z = 0.0f, 1); }
};
static LSM9DS1Class IMU;
