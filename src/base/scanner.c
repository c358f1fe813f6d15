/* scanner.c: one byte at a time, so that every split of the input gives the same tokens; only runs
 * of plain characters in strings are taken at once. */
#include "base/scanner.h"

#include <string.h>

#include "base/check.h"

enum state {
    VALUE,        /* first of all, behind ':' and behind ',' in an array */
    VALUE_OR_END, /* behind '[' */
    KEY_OR_END,   /* behind '{' */
    KEY,          /* behind ',' in an object */
    COLON,
    COMMA_OR_END, /* behind a value in a container */
    DONE,         /* behind the outermost value */
    IN_STRING,
    IN_NUMBER,
    IN_LITERAL,
    FAILED
};

enum string_part { PLAIN, ESCAPE, HEXADECIMAL, CONTINUATION };

enum number_part { MINUS, ZERO, INTEGER, POINT, FRACTION, E, E_SIGN, EXPONENT };

static enum scanner_token scan_structure(struct scanner *scanner, unsigned char byte);
static enum scanner_token scan_string(struct scanner *scanner);
static enum scanner_token scan_number(struct scanner *scanner);
static enum scanner_token scan_literal(struct scanner *scanner);

void scanner_init(struct scanner *scanner, size_t token_bytes_max)
{
    memset(scanner, 0, sizeof *scanner);
    buffer_init(&scanner->token, token_bytes_max);
    scanner->state = VALUE;
}

void scanner_fini(struct scanner *scanner)
{
    buffer_fini(&scanner->token);
}

void scanner_feed(struct scanner *scanner, const char *data, size_t size)
{
    CHECK(!scanner->finished);
    CHECK(scanner->input_at == scanner->input_size || scanner->state == FAILED);
    scanner->input_before += scanner->input_size;
    scanner->input = data;
    scanner->input_size = size;
    scanner->input_at = 0;
}

void scanner_finish(struct scanner *scanner)
{
    scanner->finished = true;
}

static enum scanner_token fail(struct scanner *scanner, enum error_code code, const char *problem)
{
    error_set(&scanner->error, code, "JSON: byte %llu: %s",
              (unsigned long long)(scanner->input_before + scanner->input_at), problem);
    scanner->state = FAILED;
    return SCANNER_FAILED;
}

static enum scanner_token invalid(struct scanner *scanner, const char *problem)
{
    return fail(scanner, ERROR_INVALID, problem);
}

static bool is_space(unsigned char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
}

/* What follows a complete value. */
static void after_value(struct scanner *scanner)
{
    scanner->state = scanner->depth == 0 ? DONE : COMMA_OR_END;
}

static enum scanner_token end_of_input(struct scanner *scanner)
{
    if (!scanner->finished)
        return SCANNER_MORE;
    if (scanner->state == DONE)
        return SCANNER_END;
    return invalid(scanner, "the document is cut off");
}

enum scanner_token scanner_next(struct scanner *scanner)
{
    enum scanner_token token = SCANNER_MORE;
    if (scanner->state == FAILED)
        return SCANNER_FAILED;
    while (token == SCANNER_MORE && scanner->input_at < scanner->input_size) {
        if (scanner->state == IN_STRING) {
            token = scan_string(scanner);
        } else if (scanner->state == IN_NUMBER) {
            token = scan_number(scanner);
        } else if (scanner->state == IN_LITERAL) {
            token = scan_literal(scanner);
        } else {
            unsigned char byte = (unsigned char)scanner->input[scanner->input_at];
            if (!is_space(byte))
                token = scan_structure(scanner, byte);
            if (scanner->state != IN_NUMBER && token != SCANNER_FAILED)
                scanner->input_at++;
        }
    }
    if (token == SCANNER_MORE && scanner->finished && scanner->state == IN_NUMBER)
        token = scan_number(scanner); /* only the end of the document ends a number at its top */
    return token == SCANNER_MORE ? end_of_input(scanner) : token;
}

static enum scanner_token begin_container(struct scanner *scanner, unsigned char byte)
{
    if (scanner->depth == SCANNER_DEPTH_MAX)
        return invalid(scanner, "nested too deeply");
    scanner->stack[scanner->depth++] = byte;
    scanner->state = byte == '{' ? KEY_OR_END : VALUE_OR_END;
    return byte == '{' ? SCANNER_OBJECT_BEGIN : SCANNER_ARRAY_BEGIN;
}

static enum scanner_token end_container(struct scanner *scanner, unsigned char byte)
{
    CHECK(scanner->depth > 0);
    scanner->depth--;
    CHECK(scanner->stack[scanner->depth] == (byte == '}' ? '{' : '['));
    after_value(scanner);
    return byte == '}' ? SCANNER_OBJECT_END : SCANNER_ARRAY_END;
}

static enum scanner_token begin_string(struct scanner *scanner, bool is_key)
{
    buffer_clear(&scanner->token);
    scanner->state = IN_STRING;
    scanner->part = PLAIN;
    scanner->is_key = is_key;
    return SCANNER_MORE;
}

static enum scanner_token begin_number(struct scanner *scanner)
{
    buffer_clear(&scanner->token);
    scanner->state = IN_NUMBER;
    scanner->part = -1; /* nothing yet: its first byte is read again by scan_number() */
    return SCANNER_MORE;
}

static enum scanner_token begin_literal(struct scanner *scanner, const char *rest,
                                        enum scanner_token token)
{
    scanner->state = IN_LITERAL;
    scanner->literal = rest;
    scanner->literal_token = token;
    return SCANNER_MORE;
}

static enum scanner_token begin_value(struct scanner *scanner, unsigned char byte)
{
    switch (byte) {
    case '{':
    case '[':
        return begin_container(scanner, byte);
    case '"':
        return begin_string(scanner, false);
    case 't':
        return begin_literal(scanner, "rue", SCANNER_TRUE);
    case 'f':
        return begin_literal(scanner, "alse", SCANNER_FALSE);
    case 'n':
        return begin_literal(scanner, "ull", SCANNER_NULL);
    default:
        if (byte == '-' || (byte >= '0' && byte <= '9'))
            return begin_number(scanner);
        return invalid(scanner, "a value is expected");
    }
}

static enum scanner_token next_member(struct scanner *scanner, unsigned char byte)
{
    bool in_object = scanner->stack[scanner->depth - 1] == '{';
    if (byte == (in_object ? '}' : ']'))
        return end_container(scanner, byte);
    if (byte != ',')
        return invalid(scanner, "',' or the closing bracket is expected");
    scanner->state = in_object ? KEY : VALUE;
    return SCANNER_MORE;
}

static enum scanner_token scan_structure(struct scanner *scanner, unsigned char byte)
{
    switch ((enum state)scanner->state) {
    case VALUE_OR_END:
        return byte == ']' ? end_container(scanner, byte) : begin_value(scanner, byte);
    case VALUE:
        return begin_value(scanner, byte);
    case KEY_OR_END:
        if (byte == '}')
            return end_container(scanner, byte);
        __attribute__((fallthrough));
    case KEY:
        if (byte != '"')
            return invalid(scanner, "the name of a member is expected");
        return begin_string(scanner, true);
    case COLON:
        if (byte != ':')
            return invalid(scanner, "':' is expected");
        scanner->state = VALUE;
        return SCANNER_MORE;
    case COMMA_OR_END:
        return next_member(scanner, byte);
    case DONE:
        return invalid(scanner, "something follows the document");
    case IN_STRING:
    case IN_NUMBER:
    case IN_LITERAL:
    case FAILED:
        break;
    }
    CHECK_UNREACHABLE();
}

static enum scanner_token scan_literal(struct scanner *scanner)
{
    if (scanner->input[scanner->input_at] != *scanner->literal)
        return invalid(scanner, "only true, false and null are words");
    scanner->input_at++;
    if (*++scanner->literal != '\0')
        return SCANNER_MORE;
    after_value(scanner);
    return scanner->literal_token;
}

/* The part that byte leads to from part; -1 when it cannot follow. */
static int number_step(int part, char byte)
{
    bool digit = byte >= '0' && byte <= '9';
    bool exponent = byte == 'e' || byte == 'E';
    switch (part) {
    case -1:
        if (byte == '-')
            return MINUS;
        __attribute__((fallthrough));
    case MINUS:
        return !digit ? -1 : byte == '0' ? ZERO : INTEGER;
    case INTEGER:
        if (digit)
            return INTEGER;
        __attribute__((fallthrough));
    case ZERO:
        return byte == '.' ? POINT : exponent ? E : -1;
    case POINT:
        return digit ? FRACTION : -1;
    case FRACTION:
        return digit ? FRACTION : exponent ? E : -1;
    case E:
        if (byte == '+' || byte == '-')
            return E_SIGN;
        __attribute__((fallthrough));
    default: /* E_SIGN, EXPONENT */
        return digit ? EXPONENT : -1;
    }
}

static enum scanner_token end_number(struct scanner *scanner)
{
    int part = scanner->part;
    if (part != ZERO && part != INTEGER && part != FRACTION && part != EXPONENT)
        return invalid(scanner, "the number lacks digits");
    after_value(scanner);
    return SCANNER_NUMBER;
}

static enum scanner_token scan_number(struct scanner *scanner)
{
    while (scanner->input_at < scanner->input_size) {
        char byte = scanner->input[scanner->input_at];
        int part = number_step(scanner->part, byte);
        if (part < 0)
            return end_number(scanner);
        scanner->part = part;
        scanner->input_at++;
        buffer_append_byte(&scanner->token, (uint8_t)byte);
        if (scanner->token.failed)
            return fail(scanner, ERROR_LIMIT, "the number is too long");
    }
    return scanner->finished ? end_number(scanner) : SCANNER_MORE;
}

static bool is_plain(unsigned char byte)
{
    return byte >= 0x20 && byte < 0x80 && byte != '"' && byte != '\\';
}

static void take_plain_run(struct scanner *scanner)
{
    size_t begin = scanner->input_at;
    while (scanner->input_at < scanner->input_size &&
           is_plain((unsigned char)scanner->input[scanner->input_at]))
        scanner->input_at++;
    buffer_append(&scanner->token, scanner->input + begin, scanner->input_at - begin);
}

static void append_code_point(struct scanner *scanner, unsigned code_point)
{
    char bytes[4];
    size_t size = 0;
    if (code_point < 0x80) {
        bytes[size++] = (char)code_point;
    } else if (code_point < 0x800) {
        bytes[size++] = (char)(0xC0 | code_point >> 6);
    } else if (code_point < 0x10000) {
        bytes[size++] = (char)(0xE0 | code_point >> 12);
        bytes[size++] = (char)(0x80 | (code_point >> 6 & 0x3F));
    } else {
        bytes[size++] = (char)(0xF0 | code_point >> 18);
        bytes[size++] = (char)(0x80 | (code_point >> 12 & 0x3F));
        bytes[size++] = (char)(0x80 | (code_point >> 6 & 0x3F));
    }
    if (code_point >= 0x80)
        bytes[size++] = (char)(0x80 | (code_point & 0x3F));
    buffer_append(&scanner->token, bytes, size);
}

/* The first byte of a character outside ASCII says how many follow, and narrows the next one so
 * that over-long forms, surrogates and what lies beyond U+10FFFF are refused (Unicode table 3-7).
 */
static const char *begin_utf8(struct scanner *scanner, unsigned char byte)
{
    if (byte < 0xC2 || byte > 0xF4)
        return "not UTF-8";
    scanner->utf8_left = byte < 0xE0 ? 1 : byte < 0xF0 ? 2 : 3;
    scanner->utf8_low = byte == 0xE0 ? 0xA0 : byte == 0xF0 ? 0x90 : 0x80;
    scanner->utf8_high = byte == 0xED ? 0x9F : byte == 0xF4 ? 0x8F : 0xBF;
    scanner->part = CONTINUATION;
    buffer_append_byte(&scanner->token, byte);
    return NULL;
}

static const char *continue_utf8(struct scanner *scanner, unsigned char byte)
{
    if (byte < scanner->utf8_low || byte > scanner->utf8_high)
        return "not UTF-8";
    scanner->utf8_low = 0x80;
    scanner->utf8_high = 0xBF;
    if (--scanner->utf8_left == 0)
        scanner->part = PLAIN;
    buffer_append_byte(&scanner->token, byte);
    return NULL;
}

static const char *plain_byte(struct scanner *scanner, unsigned char byte)
{
    if (byte == '\\') {
        scanner->part = ESCAPE;
        return NULL;
    }
    if (scanner->high_surrogate != 0)
        return "a surrogate stands alone";
    if (byte < 0x20)
        return "a control character in a string";
    return begin_utf8(scanner, byte);
}

static const char *escape_byte(struct scanner *scanner, unsigned char byte)
{
    static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
    if (byte == 'u') {
        scanner->part = HEXADECIMAL;
        scanner->digits_left = 4;
        scanner->code_point = 0;
        return NULL;
    }
    if (scanner->high_surrogate != 0)
        return "a surrogate stands alone";
    const char *name = byte == '\0' ? NULL : strchr(names, byte);
    if (name == NULL)
        return "an unknown escape";
    scanner->part = PLAIN;
    buffer_append_byte(&scanner->token, (uint8_t)values[name - names]);
    return NULL;
}

static const char *end_unicode_escape(struct scanner *scanner)
{
    unsigned code_point = scanner->code_point;
    unsigned high = scanner->high_surrogate;
    bool is_low = code_point >= 0xDC00 && code_point <= 0xDFFF;
    scanner->part = PLAIN;
    scanner->high_surrogate = 0;
    if ((high != 0) != is_low)
        return "a surrogate stands alone";
    if (code_point == 0)
        return "a NUL character";
    if (is_low)
        append_code_point(scanner, 0x10000 + ((high - 0xD800) << 10) + (code_point - 0xDC00));
    else if (code_point >= 0xD800 && code_point <= 0xDBFF)
        scanner->high_surrogate = code_point;
    else
        append_code_point(scanner, code_point);
    return NULL;
}

static const char *hexadecimal_byte(struct scanner *scanner, unsigned char byte)
{
    unsigned digit;
    if (byte >= '0' && byte <= '9')
        digit = byte - '0';
    else if ((byte | 0x20) >= 'a' && (byte | 0x20) <= 'f')
        digit = (byte | 0x20) - 'a' + 10;
    else
        return "an escape of four hexadecimal digits is expected";
    scanner->code_point = scanner->code_point << 4 | digit;
    return --scanner->digits_left > 0 ? NULL : end_unicode_escape(scanner);
}

/* NULL, or what is wrong with the byte. */
static const char *string_byte(struct scanner *scanner, unsigned char byte)
{
    switch ((enum string_part)scanner->part) {
    case PLAIN:
        return plain_byte(scanner, byte);
    case ESCAPE:
        return escape_byte(scanner, byte);
    case HEXADECIMAL:
        return hexadecimal_byte(scanner, byte);
    case CONTINUATION:
        return continue_utf8(scanner, byte);
    }
    CHECK_UNREACHABLE();
}

static enum scanner_token end_string(struct scanner *scanner)
{
    if (scanner->is_key)
        scanner->state = COLON;
    else
        after_value(scanner);
    return scanner->is_key ? SCANNER_KEY : SCANNER_STRING;
}

static enum scanner_token scan_string(struct scanner *scanner)
{
    while (scanner->input_at < scanner->input_size) {
        bool between = scanner->part == PLAIN && scanner->high_surrogate == 0;
        unsigned char byte = (unsigned char)scanner->input[scanner->input_at];
        if (between && is_plain(byte)) {
            take_plain_run(scanner);
        } else {
            bool ends = between && byte == '"';
            const char *problem = ends ? NULL : string_byte(scanner, byte);
            if (problem != NULL)
                return invalid(scanner, problem);
            scanner->input_at++;
            if (ends)
                return end_string(scanner);
        }
        if (scanner->token.failed)
            return fail(scanner, ERROR_LIMIT, "the string is too long");
    }
    return SCANNER_MORE;
}
