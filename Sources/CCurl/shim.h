#pragma once
/* What the macros check, the functions below have in their types. */
#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>

/* curl_easy_setopt, curl_multi_setopt and curl_easy_getinfo take any number of arguments, which Swift does not call: a function for each type
   that we set and ask for. */
static inline CURLcode vm_curl_set_number(CURL *transfer, CURLoption option, long value) {
    return curl_easy_setopt(transfer, option, value);
}
static inline CURLcode vm_curl_set_text(CURL *transfer, CURLoption option, const char *value) {
    return curl_easy_setopt(transfer, option, value);
}
static inline CURLcode vm_curl_set_fields(CURL *transfer, const struct curl_slist *fields) {
    return curl_easy_setopt(transfer, CURLOPT_HTTPHEADER, fields);
}

/* The body of a POST, which is copied. */
static inline CURLcode vm_curl_set_body(CURL *transfer, const unsigned char *bytes, size_t count) {
    const CURLcode code = curl_easy_setopt(transfer, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)count);
    return code == CURLE_OK ? curl_easy_setopt(transfer, CURLOPT_COPYPOSTFIELDS, (const char *)bytes) : code;
}

static inline CURLcode vm_curl_set_sink(CURL *transfer, size_t (*sink)(char *, size_t, size_t, void *), void *context) {
    const CURLcode code = curl_easy_setopt(transfer, CURLOPT_WRITEDATA, context);
    return code == CURLE_OK ? curl_easy_setopt(transfer, CURLOPT_WRITEFUNCTION, sink) : code;
}

/* No other protocols of the many that libcurl speaks; libcurl 7.85 named them by a text. */
static inline CURLcode vm_curl_allow_http_alone(CURL *transfer) {
#if LIBCURL_VERSION_NUM >= 0x075500
    return curl_easy_setopt(transfer, CURLOPT_PROTOCOLS_STR, "http,https");
#else
    return curl_easy_setopt(transfer, CURLOPT_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
}

static inline CURLMcode vm_curl_set_most_connections(CURLM *transfers, long all, long host) {
    const CURLMcode code = curl_multi_setopt(transfers, CURLMOPT_MAXCONNECTS, all);
    return code == CURLM_OK ? curl_multi_setopt(transfers, CURLMOPT_MAX_HOST_CONNECTIONS, host) : code;
}

/* 0 where there is none. */
static inline long vm_curl_status(CURL *transfer) {
    long status = 0;
    return curl_easy_getinfo(transfer, CURLINFO_RESPONSE_CODE, &status) == CURLE_OK ? status : 0;
}

/* Why the kernel did not connect: errno, 0 where it had no part in it. */
static inline long vm_curl_error_number(CURL *transfer) {
    long number = 0;
    return curl_easy_getinfo(transfer, CURLINFO_OS_ERRNO, &number) == CURLE_OK ? number : 0;
}

/* The next transfer that has ended; NULL where there is none. */
static inline CURL *vm_curl_next_ended(CURLM *transfers, CURLcode *result) {
    int left = 0;
    for (CURLMsg *message; (message = curl_multi_info_read(transfers, &left)) != NULL;) {
        if (message->msg != CURLMSG_DONE) continue;
        *result = message->data.result;
        return message->easy_handle;
    }
    return NULL;
}
