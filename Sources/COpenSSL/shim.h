#pragma once
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/rand.h>

// EVP_RSA_gen is a macro over a variadic function.
static inline EVP_PKEY *crm_rsa_generate(unsigned int bits) {
    return EVP_RSA_gen(bits);
}

// The empty passphrase keeps libcrypto from asking for one on the terminal.
static inline EVP_PKEY *crm_pem_read_private_key(BIO *bio) {
    char none[] = "";
    return PEM_read_bio_PrivateKey(bio, NULL, NULL, none);
}

// EVP_PKEY_PUBLIC_KEY is a macro over other macros.
static inline int crm_public_key_from_data(EVP_PKEY_CTX *context, EVP_PKEY **key, OSSL_PARAM *parameters) {
    return EVP_PKEY_fromdata(context, key, EVP_PKEY_PUBLIC_KEY, parameters);
}

// The builder keeps the names' addresses, and a string passed from Swift is gone after the call.
static inline OSSL_PARAM *crm_rsa_parameters(OSSL_PARAM_BLD *builder, const BIGNUM *modulus, const BIGNUM *exponent) {
    if (OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, modulus) != 1) return NULL;
    if (OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, exponent) != 1) return NULL;
    return OSSL_PARAM_BLD_to_param(builder);
}
