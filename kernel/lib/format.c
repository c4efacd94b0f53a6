/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The printf subset of format.h. One pass: a conversion is parsed into struct spec, its digits are
 * made backwards in a small buffer, then padded into the output. Output past the end is counted,
 * not written. Stateless; every world.
 */
#include "lib/format.h"

#include <stdbool.h>

enum length {
    LENGTH_INT,
    LENGTH_CHAR,
    LENGTH_SHORT,
    LENGTH_LONG,
    LENGTH_LONG_LONG,
    LENGTH_SIZE,
};

struct output {
    char *buffer;
    size_t size_bytes;
    size_t length; /* characters produced, written or not */
};

struct spec {
    bool left;
    bool zero;
    bool alternate;
    bool plus;
    size_t width;
    bool has_precision;
    size_t precision;
    enum length length;
    char conversion;
};

static void put(struct output *out, char c)
{
    if (out->length + 1 < out->size_bytes) {
        out->buffer[out->length] = c;
    }
    out->length++;
}

static void put_repeated(struct output *out, char c, size_t count)
{
    while (count > 0) {
        put(out, c);
        count--;
    }
}

static void put_bytes(struct output *out, const char *text, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        put(out, text[i]);
    }
}

static const char *parse_flags(const char *format, struct spec *spec)
{
    for (;; format++) {
        switch (*format) {
        case '-':
            spec->left = true;
            break;
        case '0':
            spec->zero = true;
            break;
        case '#':
            spec->alternate = true;
            break;
        case '+':
            spec->plus = true;
            break;
        default:
            return format;
        }
    }
}

static const char *parse_number(const char *format, size_t *number)
{
    size_t value = 0;
    while (*format >= '0' && *format <= '9' && value < 100000) {
        value = value * 10 + (size_t)(*format - '0');
        format++;
    }
    *number = value;
    return format;
}

static const char *parse_length(const char *format, enum length *length)
{
    *length = LENGTH_INT;
    if (format[0] == 'l' && format[1] == 'l') {
        *length = LENGTH_LONG_LONG;
        return format + 2;
    }
    if (format[0] == 'h' && format[1] == 'h') {
        *length = LENGTH_CHAR;
        return format + 2;
    }
    switch (*format) {
    case 'l':
        *length = LENGTH_LONG;
        return format + 1;
    case 'h':
        *length = LENGTH_SHORT;
        return format + 1;
    case 'z':
        *length = LENGTH_SIZE;
        return format + 1;
    default:
        return format;
    }
}

/* va_list is passed by pointer so that what is consumed here is consumed for the caller too; it
 * sits in a struct because a va_list may be an array type, whose address has another type. */
struct arguments {
    va_list list;
};

static uint64_t next_unsigned(struct arguments *arguments, enum length length)
{
    switch (length) {
    case LENGTH_LONG:
        return va_arg(arguments->list, unsigned long);
    case LENGTH_LONG_LONG:
        return va_arg(arguments->list, unsigned long long);
    case LENGTH_CHAR:
        return (unsigned char)va_arg(arguments->list, unsigned int);
    case LENGTH_SHORT:
        return (unsigned short)va_arg(arguments->list, unsigned int);
    case LENGTH_SIZE:
        return va_arg(arguments->list, size_t);
    case LENGTH_INT:
        break;
    }
    return va_arg(arguments->list, unsigned int);
}

static int64_t next_signed(struct arguments *arguments, enum length length)
{
    switch (length) {
    case LENGTH_LONG:
        return va_arg(arguments->list, long);
    case LENGTH_LONG_LONG:
        return va_arg(arguments->list, long long);
    case LENGTH_SIZE:
        return (int64_t)va_arg(arguments->list, size_t);
    case LENGTH_CHAR:
        return (signed char)va_arg(arguments->list, int);
    case LENGTH_SHORT:
        return (short)va_arg(arguments->list, int);
    case LENGTH_INT:
        break;
    }
    return va_arg(arguments->list, int);
}

/** Writes @p value backwards from the end of @p digits; returns the number of digits, 0 for 0. */
static size_t make_digits(char digits[24], uint64_t value, bool hex, bool upper)
{
    const unsigned base = hex ? 16U : 10U;
    const char *const alphabet = upper ? "0123456789ABCDEF" : "0123456789abcdef";
    size_t count = 0;
    for (; value != 0; value /= base) {
        digits[23 - count] = alphabet[value % base];
        count++;
    }
    return count;
}

static void put_number(struct output *out, const struct spec *spec, uint64_t magnitude,
                       const char *prefix, size_t prefix_length)
{
    char digits[24];
    const bool hex = spec->conversion == 'x' || spec->conversion == 'X' || spec->conversion == 'p';
    const size_t count = make_digits(digits, magnitude, hex, spec->conversion == 'X');
    size_t zeros = spec->has_precision ? spec->precision : 1;
    zeros = zeros > count ? zeros - count : 0;
    const size_t used = prefix_length + zeros + count;
    const size_t padding = spec->width > used ? spec->width - used : 0;
    const bool pad_with_zeros = spec->zero && !spec->left && !spec->has_precision;

    if (!spec->left && !pad_with_zeros) {
        put_repeated(out, ' ', padding);
    }
    put_bytes(out, prefix, prefix_length);
    put_repeated(out, '0', zeros + (pad_with_zeros ? padding : 0));
    put_bytes(out, digits + 24 - count, count);
    if (spec->left) {
        put_repeated(out, ' ', padding);
    }
}

static void put_string(struct output *out, const struct spec *spec, const char *text)
{
    if (text == NULL) {
        text = "(null)";
    }
    size_t count = 0;
    while ((!spec->has_precision || count < spec->precision) && text[count] != '\0') {
        count++;
    }
    const size_t padding = spec->width > count ? spec->width - count : 0;
    if (!spec->left) {
        put_repeated(out, ' ', padding);
    }
    put_bytes(out, text, count);
    if (spec->left) {
        put_repeated(out, ' ', padding);
    }
}

static void put_signed(struct output *out, const struct spec *spec, int64_t value)
{
    const bool negative = value < 0;
    const uint64_t magnitude = negative ? 0 - (uint64_t)value : (uint64_t)value;
    const char *const sign = negative ? "-" : "+";
    put_number(out, spec, magnitude, sign, (negative || spec->plus) ? 1 : 0);
}

/** Prints one parsed conversion; false where there is no such conversion. */
static bool convert(struct output *out, const struct spec *spec, struct arguments *arguments)
{
    switch (spec->conversion) {
    case '%':
        put(out, '%');
        return true;
    case 'c': {
        const char text[2] = { (char)va_arg(arguments->list, int), '\0' };
        put_string(out, spec, text);
        return true;
    }
    case 's':
        put_string(out, spec, va_arg(arguments->list, const char *));
        return true;
    case 'd':
    case 'i':
        put_signed(out, spec, next_signed(arguments, spec->length));
        return true;
    case 'u':
        put_number(out, spec, next_unsigned(arguments, spec->length), "", 0);
        return true;
    case 'x':
    case 'X': {
        const uint64_t value = next_unsigned(arguments, spec->length);
        const char *const prefix = spec->conversion == 'x' ? "0x" : "0X";
        put_number(out, spec, value, prefix, spec->alternate && value != 0 ? 2 : 0);
        return true;
    }
    case 'p':
        put_number(out, spec, (uintptr_t)va_arg(arguments->list, void *), "0x", 2);
        return true;
    default:
        return false;
    }
}

static const char *parse_spec(const char *format, struct spec *spec, struct arguments *arguments)
{
    format = parse_flags(format, spec);
    if (*format == '*') {
        const int width = va_arg(arguments->list, int);
        spec->left = spec->left || width < 0;
        spec->width = (size_t)(width < 0 ? -(long long)width : width);
        format++;
    } else {
        format = parse_number(format, &spec->width);
    }
    if (*format == '.') {
        format++;
        spec->has_precision = true;
        if (*format == '*') {
            const int precision = va_arg(arguments->list, int);
            spec->has_precision = precision >= 0;
            spec->precision = precision >= 0 ? (size_t)precision : 0;
            format++;
        } else {
            format = parse_number(format, &spec->precision);
        }
    }
    format = parse_length(format, &spec->length);
    spec->conversion = *format;
    return format;
}

size_t format_text_v(char *buffer, size_t size_bytes, const char *format, va_list list)
{
    struct output out = { .buffer = buffer, .size_bytes = size_bytes, .length = 0 };
    struct arguments arguments;
    va_copy(arguments.list, list);
    while (*format != '\0') {
        if (*format != '%') {
            put(&out, *format++);
            continue;
        }
        const char *const start = format;
        struct spec spec = { .left = false };
        format = parse_spec(format + 1, &spec, &arguments);
        if (convert(&out, &spec, &arguments)) {
            format++;
        } else {
            put_bytes(&out, start, (size_t)(format - start)); /* unknown: shown as written */
        }
    }
    va_end(arguments.list);
    if (size_bytes > 0) {
        buffer[out.length < size_bytes ? out.length : size_bytes - 1] = '\0';
    }
    return out.length;
}

size_t format_text(char *buffer, size_t size_bytes, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    const size_t length = format_text_v(buffer, size_bytes, format, arguments);
    va_end(arguments);
    return length;
}
