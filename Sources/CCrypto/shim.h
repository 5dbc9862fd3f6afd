#pragma once
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/cms.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/objects.h>
#include <openssl/params.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

/* OpenSSL 3.0 deprecates these for EVP_DigestInit and its companions, which allocate memory for each hash; and Swift would warn of each call. */
static inline int vm_sha256_init(SHA256_CTX *hash) { return SHA256_Init(hash); }
static inline int vm_sha256_update(SHA256_CTX *hash, const void *bytes, size_t count) { return SHA256_Update(hash, bytes, count); }
static inline int vm_sha256_final(SHA256_CTX *hash, unsigned char *digest) { return SHA256_Final(digest, hash); }

/* Macros, which Swift does not call. */
static inline void vm_crypto_free(void *memory) { OPENSSL_free(memory); }
static inline void vm_crypto_clear_free(void *memory, size_t count) { OPENSSL_clear_free(memory, count); }
static inline long vm_crypto_bio_bytes(BIO *bio, const char **bytes) { return BIO_get_mem_data(bio, bytes); }
static inline EVP_PKEY *vm_crypto_make_rsa_key(size_t bits) { return EVP_RSA_gen(bits); }

/* With implicit rejection a message with wrong padding is decrypted, to random bytes: so do OpenSSL 3.2 and newer, and older ones of some
   distributions, unless they are told not to. The headers of 3.0 have no name for it, and that library ignores it. */
static inline int vm_crypto_set_implicit_rejection(EVP_PKEY_CTX *context, unsigned int wanted) {
    const OSSL_PARAM parameters[] = {OSSL_PARAM_construct_uint("implicit-rejection", &wanted), OSSL_PARAM_construct_end()};
    return EVP_PKEY_CTX_set_params(context, parameters);
}

/* A name as RFC 2253 writes it, in UTF-8. */
static inline int vm_crypto_print_name(BIO *bio, const X509_NAME *name) {
    return X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB);
}
