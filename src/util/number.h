/* number.h: numbers and their text, by the rules that Redis's clients rely on. Nothing here allocates. */
#ifndef CAIRN_UTIL_NUMBER_H
#define CAIRN_UTIL_NUMBER_H

#include "util/slice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NUMBER_INT_TEXT_MAX         21   /* "-9223372036854775808" and room for a NUL */
#define NUMBER_DOUBLE_TEXT_MAX      32   /* "-2.2250738585072014e-308" and some */
#define NUMBER_LONG_DOUBLE_TEXT_MAX 5120 /* LDBL_MAX has 4933 digits before its point */

/* Canonical decimals only: no sign but '-', no leading zeros, no blanks, no "-0". So parse and format are
 * inverse, and a text that parses can be stored as the integer. */
bool number_parse_int(struct slice text, int64_t *value_out);
/* Digits only, leading zeros allowed; false on overflow. For cursors. */
bool number_parse_unsigned(struct slice text, uint64_t *value_out);
/* What strtod accepts ("inf" and hexadecimal included), without leading blanks, NaN or a value out of range.
 */
bool number_parse_double(struct slice text, double *value_out);
bool number_parse_long_double(struct slice text, long double *value_out);

/* Writes the digits without a NUL; returns how many. */
size_t number_int_text(char text[NUMBER_INT_TEXT_MAX], int64_t value);
/* The shortest digits that read back, with an exponent only for very large and very small values; "inf",
 * "-inf", "nan". */
size_t number_double_text(char text[NUMBER_DOUBLE_TEXT_MAX], double value);
/* As INCRBYFLOAT answers: 17 digits after the point, then trailing zeros cut; never an exponent. */
size_t number_long_double_text(char text[NUMBER_LONG_DOUBLE_TEXT_MAX], long double value);

#endif
