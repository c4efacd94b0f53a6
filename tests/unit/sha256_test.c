/* SPDX-License-Identifier: GPL-2.0-only
 *
 * lib/sha256 against the examples of FIPS 180-2, appendix B, NIST's SHAVS vectors (short and long
 * messages), and itself in other pieces.
 */
#include "lib/sha256.h"

#include <string.h>

#include "lib/format.h"
#include "tests/ktest.h"

static char text[2 * SHA256_BYTES + 1];

static const char *finish(struct sha256 *sha)
{
    uint8_t digest[SHA256_BYTES];
    sha256_finish(sha, digest);
    for (size_t i = 0; i < SHA256_BYTES; i++) {
        (void)format_text(text + 2 * i, 3, "%02x", digest[i]);
    }
    return text;
}

static const char *hash(const void *data, size_t size_bytes)
{
    struct sha256 sha;
    sha256_init(&sha);
    sha256_update(&sha, data, size_bytes);
    return finish(&sha);
}

static void sha256_nist_vectors_agree(struct ktest *t)
{
    static const uint8_t short_4[] = { 0x74, 0xba, 0x25, 0x21 };
    static const uint8_t short_1[] = { 0xd3 };
    KTEST_STRING(t, hash("", 0),
                 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    KTEST_STRING(t, hash(short_1, sizeof(short_1)),
                 "28969cdfa74a12c82f3bad960b0b000aca2ac329deea5c2328ebc6f2ba9802c1");
    KTEST_STRING(t, hash(short_4, sizeof(short_4)),
                 "b16aa56be3880d18cd41e68384cf1ec8c17680c45a02b1575dc1518923ae8b0e");
    KTEST_STRING(t, hash("abc", 3),
                 "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    KTEST_STRING(t, hash("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 56),
                 "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

static void sha256_million_bytes_agree(struct ktest *t)
{
    static char part[1000];
    struct sha256 sha;
    memset(part, 'a', sizeof(part));
    sha256_init(&sha);
    for (size_t i = 0; i < 1000; i++) {
        sha256_update(&sha, part, sizeof(part));
    }
    KTEST_STRING(t, finish(&sha),
                 "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

/* Around a block's end, in two pieces of every size. */
static void sha256_pieces_do_not_matter(struct ktest *t)
{
    static uint8_t bytes[130];
    for (size_t i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (uint8_t)(i * 7);
    }
    for (size_t size = 50; size <= sizeof(bytes); size++) {
        char whole[sizeof(text)];
        strcpy(whole, hash(bytes, size));
        for (size_t cut = 0; cut <= size; cut++) {
            struct sha256 sha;
            sha256_init(&sha);
            sha256_update(&sha, bytes, cut);
            sha256_update(&sha, bytes + cut, size - cut);
            if (strcmp(finish(&sha), whole) != 0) {
                KTEST_EQ(t, cut, SIZE_MAX); /* shows where */
            }
        }
        KTEST_EQ(t, strlen(whole), 2 * SHA256_BYTES);
    }
}

static const struct ktest_case cases[] = {
    KTEST_CASE(sha256_nist_vectors_agree),
    KTEST_CASE(sha256_million_bytes_agree),
    KTEST_CASE(sha256_pieces_do_not_matter),
};

KTEST_SUITE(sha256, "lib.sha256", cases);
