/* number.c: numbers and their text. */
#include "util/number.h"

#include "util/assert.h"

#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define EXACT_INTEGER_MAX 4503599627370496.0 /* 2^52: integers below it are written as such */
#define FLOAT_INPUT_MAX 5120 /* longer texts are no numbers: as Redis, and it bounds the copy below */

/* Value of the decimal digits in text; false when there are none, or something else, or too many. */
static bool parse_digits(const char *digits, size_t len, uint64_t *value_out)
{
    uint64_t value = 0;

    if (len == 0) return false;
    for (size_t i = 0; i < len; i++) {
        unsigned digit = (unsigned)(unsigned char)digits[i] - '0';
        if (digit > 9) return false;
        if (__builtin_mul_overflow(value, UINT64_C(10), &value)) return false;
        if (__builtin_add_overflow(value, (uint64_t)digit, &value)) return false;
    }
    *value_out = value;
    return true;
}

bool number_parse_int(struct slice text, int64_t *value_out)
{
    uint64_t magnitude;

    if (text.len == 0 || text.len >= NUMBER_INT_TEXT_MAX) return false;
    if (text.len == 1 && text.ptr[0] == '0') {
        *value_out = 0;
        return true;
    }
    bool negative = text.ptr[0] == '-';
    const char *digits = text.ptr + negative;
    size_t len = text.len - negative;
    if (len == 0 || digits[0] == '0' || !parse_digits(digits, len, &magnitude)) return false;
    if (magnitude > (uint64_t)INT64_MAX + negative) return false;
    *value_out = (int64_t)(negative ? 0 - magnitude : magnitude);
    return true;
}

bool number_parse_unsigned(struct slice text, uint64_t *value_out)
{
    return parse_digits(text.ptr, text.len, value_out);
}

/* A NUL-terminated copy that strtold may see; false for texts that no float starts with or that hide a NUL.
 */
static bool float_input(struct slice text, char copy[FLOAT_INPUT_MAX])
{
    if (text.len == 0 || text.len >= FLOAT_INPUT_MAX) return false;
    if (memchr(" \t\n\v\f\r", text.ptr[0], 6)) return false;
    memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    return true;
}

bool number_parse_double(struct slice text, double *value_out)
{
    char copy[FLOAT_INPUT_MAX];
    char *end;

    if (!float_input(text, copy)) return false;
    errno = 0;
    double value = strtod(copy, &end);
    if (end != copy + text.len || isnan(value)) return false;
    if (errno == ERANGE && (isinf(value) || fpclassify(value) == FP_ZERO)) return false;
    *value_out = value;
    return true;
}

bool number_parse_long_double(struct slice text, long double *value_out)
{
    char copy[FLOAT_INPUT_MAX];
    char *end;

    if (!float_input(text, copy)) return false;
    errno = 0;
    long double value = strtold(copy, &end);
    if (end != copy + text.len || isnan(value)) return false;
    if (errno == ERANGE && (isinf(value) || fpclassify(value) == FP_ZERO)) return false;
    *value_out = value;
    return true;
}

/* Pairs of digits: one division per two of them. */
static const char digit_pairs[] = "0001020304050607080910111213141516171819"
                                  "2021222324252627282930313233343536373839"
                                  "4041424344454647484950515253545556575859"
                                  "6061626364656667686970717273747576777879"
                                  "8081828384858687888990919293949596979899";

size_t number_int_text(char text[NUMBER_INT_TEXT_MAX], int64_t value)
{
    char reversed[NUMBER_INT_TEXT_MAX];
    char *first = reversed + sizeof(reversed);
    uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;

    while (rest >= 100) {
        first -= 2;
        memcpy(first, digit_pairs + rest % 100 * 2, 2);
        rest /= 100;
    }
    if (rest >= 10) {
        first -= 2;
        memcpy(first, digit_pairs + rest * 2, 2);
    } else {
        *--first = (char)('0' + rest);
    }
    if (value < 0) *--first = '-';
    size_t len = (size_t)(reversed + sizeof(reversed) - first);
    memcpy(text, first, len);
    return len;
}

static size_t special_text(char *text, const char *word, size_t len)
{
    memcpy(text, word, len);
    return len;
}

/* The fewest digits d1d2… with value = d1.d2… x 10^exponent that read back as `value` (positive, finite). */
static size_t shortest_digits(double value, char digits[18], int *exponent_out)
{
    char text[NUMBER_DOUBLE_TEXT_MAX];

    /* Of a normal number, DBL_DIG digits are right to the last; what is short ends in zeros then, which are cut below. */
    for (int precision = value < DBL_MIN ? 0 : DBL_DIG - 1; precision < DBL_DECIMAL_DIG; precision++) {
        snprintf(text, sizeof(text), "%.*e", precision, value);
        if (precision == DBL_DECIMAL_DIG - 1 || strtod(text, NULL) == value) break;
    }
    size_t count = 0;
    const char *at = text;
    for (; *at != 'e'; at++) {
        if (*at != '.') digits[count++] = *at;
    }
    while (count > 1 && digits[count - 1] == '0')
        count--;
    *exponent_out = atoi(at + 1);
    return count;
}

size_t number_double_text(char text[NUMBER_DOUBLE_TEXT_MAX], double value)
{
    char digits[18];
    int exponent;
    size_t len = 0;

    if (isnan(value)) return special_text(text, "nan", 3);
    if (isinf(value)) return value > 0 ? special_text(text, "inf", 3) : special_text(text, "-inf", 4);
    if (signbit(value)) text[len++] = '-';
    if (fpclassify(value) == FP_ZERO) {
        text[len++] = '0';
        return len;
    }
    if (fabs(value) < EXACT_INTEGER_MAX && value == (double)(int64_t)value)
        return number_int_text(text, (int64_t)value);
    int count = (int)shortest_digits(fabs(value), digits, &exponent);
    if (exponent >= count - 1 && exponent < count + 7) { /* an integer: 1200 */
        memcpy(text + len, digits, (size_t)count);
        memset(text + len + count, '0', (size_t)(exponent - count + 1));
        return len + (size_t)exponent + 1;
    }
    if (exponent >= 0 && exponent < count - 1) { /* the point among the digits: 12.5 */
        size_t whole = (size_t)exponent + 1;
        memcpy(text + len, digits, whole);
        text[len + whole] = '.';
        memcpy(text + len + whole + 1, digits + whole, (size_t)count - whole);
        return len + (size_t)count + 1;
    }
    if (exponent < 0 && (exponent > -4 || exponent - count + 1 > -7)) { /* 0.00125 */
        size_t zeros = (size_t)(-exponent - 1);
        memcpy(text + len, "0.", 2);
        memset(text + len + 2, '0', zeros);
        memcpy(text + len + 2 + zeros, digits, (size_t)count);
        return len + 2 + zeros + (size_t)count;
    }
    text[len++] = digits[0];
    if (count > 1) {
        text[len++] = '.';
        memcpy(text + len, digits + 1, (size_t)count - 1);
        len += (size_t)count - 1;
    }
    return len + (size_t)sprintf(text + len, "e%+d", exponent);
}

size_t number_long_double_text(char text[NUMBER_LONG_DOUBLE_TEXT_MAX], long double value)
{
    if (isinf(value)) return value > 0 ? special_text(text, "inf", 3) : special_text(text, "-inf", 4);
    int written = snprintf(text, NUMBER_LONG_DOUBLE_TEXT_MAX, "%.17Lf", value);
    ASSERT(written > 0 && written < NUMBER_LONG_DOUBLE_TEXT_MAX);
    size_t len = (size_t)written;
    while (text[len - 1] == '0')
        len--; /* ends at the point at the latest */
    if (text[len - 1] == '.') len--;
    if (len == 2 && memcmp(text, "-0", 2) == 0) return special_text(text, "0", 1);
    return len;
}
