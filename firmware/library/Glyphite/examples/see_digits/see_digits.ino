// Reads handwritten digits and shows them in the serial monitor. Upload it and open Tools > Serial
// Monitor at 9600 baud, the IDE's own choice; no wire but USB is needed. Ten test digits come one
// after the other, each with the network's answer. Then send one of your own: 28 lines of text, as
// the library's extras/digits.txt has ten.
#include "model.h"

#include <Glyphite.h>

#include "digits.h"

enum { SIDE = 28, CLASSES = 10 };

// After so long a silence, all that was sent is there. Test digits come by the two others.
static const uint16_t SILENCE_MS = 300;
static const uint16_t PAUSE_MS = 1000;
static const uint16_t REPEAT_MS = 30000;

enum trouble { ALL_RIGHT, LONG_LINE, ODD_CHARACTER, MANY_LINES, LOST };

// The picture that is being sent. Its pixels go into the model's input as they come.
static uint8_t row, column; // of the next pixel
static uint8_t first_row;   // where the line began
static uint8_t wrong;       // enum trouble; what comes after it is passed over
static bool returned;       // the last character was a carriage return
static bool settled = true; // nothing came since the last silence

static uint8_t digit;       // the next test digit
static const uint8_t *code; // the next of its codes
static bool upper;          // is the upper half of its byte
static uint32_t since;      // when something was sent or shown, in milliseconds
static uint16_t pause_ms;   // from then on to the next test digit

static int8_t pixel_of(uint8_t shade) {
    return (int8_t)GLYPHITE_READ_BYTE(shades + shade);
}

// SHADES, where the character is none.
static uint8_t shade_of(char character) {
    uint8_t shade = 0;
    while (shade < SHADES && (char)GLYPHITE_READ_BYTE(characters + shade) != character) {
        shade++;
    }
    return character == ' ' ? 0 : shade;
}

static void put(uint8_t shade) {
    model_input()[row * SIDE + column++] = pixel_of(shade);
}

static void next_row() {
    row++;
    column = 0;
}

// What a line lacks is paper. It may be longer than a row where it is a whole picture.
static void end_line() {
    if (row == SIDE) {
        return; // an empty line below the picture
    }
    if (row != first_row && (row != SIDE - 1 || column != SIDE)) {
        wrong = LONG_LINE;
        return;
    }
    while (column < SIDE) {
        put(0);
    }
    next_row();
    first_row = row;
}

// Serial monitors make one line of a picture that is pasted, with a blank between its rows.
static void take_pixel(char character) {
    if (column == SIDE) {
        next_row();
        if (character == ' ') {
            return;
        }
    }
    const uint8_t shade = shade_of(character);
    if (shade == SHADES) {
        wrong = ODD_CHARACTER;
    } else if (row == SIDE) {
        wrong = first_row == SIDE ? MANY_LINES : LONG_LINE;
    } else {
        put(shade);
    }
}

static void take(char character) {
    const bool second = returned && character == '\n'; // Windows ends a line by two characters
    returned = character == '\r';
    if (wrong != ALL_RIGHT || second) {
        return;
    }
    if (character == '\r' || character == '\n') {
        end_line();
    } else {
        take_pixel(character);
    }
}

// Shows the model's input; false where something was sent meanwhile.
static bool draw() {
    const int8_t *pixel = model_input();
    for (uint8_t y = 0; y < SIDE && Serial.available() == 0; y++) {
        for (uint8_t x = 0; x < SIDE; x++) {
            uint8_t shade = 0;
            while (pixel_of(shade) != *pixel) {
                shade++;
            }
            Serial.write(GLYPHITE_READ_BYTE(characters + shade));
            pixel++;
        }
        Serial.println();
    }
    return Serial.available() == 0;
}

static void print_thousandths(uint32_t number) {
    const uint16_t rest = (uint16_t)(number % 1000);
    Serial.print(number / 1000);
    Serial.print(rest < 10 ? F(".00") : rest < 100 ? F(".0") : F("."));
    Serial.print(rest);
}

// Where the network ends with a softmax a score is 0 to 1, in steps of 1/256.
static void print_score(int8_t score) {
    const bool softmax = MODEL_OUTPUT_SCALE == 1.0f / 256 && MODEL_OUTPUT_ZERO_POINT == -128;
    if (softmax) {
        print_thousandths((uint32_t)(score + 128) * 1000 / 256);
    } else {
        Serial.print(MODEL_OUTPUT_SCALE * (float)(score - MODEL_OUTPUT_ZERO_POINT), 3);
    }
}

static uint8_t best_of(const int8_t *scores) {
    uint8_t best = 0;
    for (uint8_t c = 1; c < CLASSES; c++) {
        best = scores[c] > scores[best] ? c : best;
    }
    return best;
}

// Runs the model on its input, and shows the answer.
static void run_model() {
    const uint32_t start = micros();
    model_invoke();
    const uint32_t taken = micros() - start;
    const int8_t *scores = model_output();
    const uint8_t best = best_of(scores);
    Serial.print(F("Answer "));
    Serial.print(best);
    Serial.print(F(", score "));
    print_score(scores[best]);
    Serial.print(F(", "));
    print_thousandths(taken);
    Serial.print(F(" ms"));
}

// The next half of a byte of the digits.
static uint8_t next_code() {
    const uint8_t both = GLYPHITE_READ_BYTE(code);
    code += upper;
    upper = !upper;
    return upper ? both & 15 : both >> 4;
}

// The next test digit, as digits.h says, into the model's input.
static void unpack() {
    int8_t *pixel = model_input();
    const int8_t *end = pixel + SIDE * SIDE;
    code = digit == 0 ? digits : code;
    upper = false;
    while (pixel < end) {
        const uint8_t next = next_code();
        const int8_t value = next < SHADES ? pixel_of(next) : pixel[-1];
        uint8_t times = next < SHADES ? 1 : (uint8_t)(2 << (next - SHADES));
        for (; times > 0; times--) {
            *pixel++ = value;
        }
    }
    code += upper; // each digit begins with a byte of its own
}

// Says whether the board gives the PC's scores, byte for byte.
static void compare() {
#ifdef PC_ANSWERS
    const int8_t *scores = model_output();
    uint8_t c = 0;
    while (c < CLASSES && (int8_t)GLYPHITE_READ_BYTE(&pc_scores[digit][c]) == scores[c]) {
        c++;
    }
    Serial.print(c == CLASSES ? F(", as on the PC") : F(", NOT AS ON THE PC"));
#endif
}

static void show_digit() {
    Serial.print(F("\r\nTest digit "));
    Serial.println(digit);
    unpack();
    if (draw()) {
        run_model();
        compare();
        Serial.println();
    }
    digit = digit + 1 == DIGITS ? 0 : digit + 1;
    pause_ms = digit == 0 ? REPEAT_MS : PAUSE_MS;
    if (digit == 0 && Serial.available() == 0) {
        Serial.println(F("\r\nSend 28 lines of 28 characters, from . for paper to @ for ink"));
    }
}

static void show_picture() {
    Serial.println(F("\r\nYour picture"));
    draw();
    run_model();
    Serial.println();
    pause_ms = REPEAT_MS;
    digit = 0;
}

static void forget() {
    row = column = first_row = 0;
}

static void explain() {
    if (wrong == LOST) {
        Serial.print(F("Some of it came while the board was at work, and is lost"));
    } else if (wrong == MANY_LINES) {
        Serial.print(F("More than 28 lines came"));
    } else {
        Serial.print(F("Line "));
        Serial.print((uint8_t)((wrong == LONG_LINE ? first_row : row) + 1));
        Serial.print(wrong == LONG_LINE ? F(" has more than 28 characters")
                                        : F(" has others than blank and .:-=+*#%&@"));
    }
    Serial.println(F(": send the whole picture again"));
    wrong = ALL_RIGHT;
    forget();
}

// Whether so much came while nobody read that some may be lost. The cores that tell no size have
// larger buffers, or make a USB wait.
static bool is_full() {
#ifdef SERIAL_RX_BUFFER_SIZE
    return Serial.available() >= SERIAL_RX_BUFFER_SIZE - 1;
#else
    return false;
#endif
}

// Nothing comes any more, for now.
static void settle() {
    if (wrong != ALL_RIGHT) {
        explain();
    } else if (row == SIDE || (row == SIDE - 1 && column > 0)) {
        end_line(); // the last line may have come without an end
        forget();
        show_picture();
    } else if (row > 0 || column > 0) {
        Serial.print((uint8_t)(column == SIDE ? row + 1 : row));
        Serial.println(F(" of 28 lines came; a ? starts again"));
    }
}

void setup() {
    Serial.begin(9600);
    while (!Serial) { // a board with a USB of its own waits for the serial monitor
    }
    Serial.println(F("The network " MODEL_NAME " reads digits on this board"));
}

void loop() {
    const uint32_t quiet_ms = millis() - since;
    if (is_full()) {
        wrong = LOST;
    }
    const int character = Serial.read();
    if (character >= 0) {
        take((char)character);
        settled = false;
    } else if (!settled && quiet_ms >= SILENCE_MS) {
        settled = true;
        settle();
    } else if (settled && row == 0 && column == 0 && quiet_ms >= pause_ms) {
        show_digit();
    } else {
        return;
    }
    since = millis();
}
