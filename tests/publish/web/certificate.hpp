// Certificates for tests of TLS.
#pragma once

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <filesystem>

namespace esshub::tests {

/// A key and a certificate of 127.0.0.1, valid for an hour, that it signs itself.
inline void write_certificate(const std::filesystem::path& certificate,
                              const std::filesystem::path& key,
                              EVP_PKEY* pair = EVP_EC_gen("P-256")) {
  X509* paper = X509_new();
  X509_set_version(paper, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(paper), 1);
  X509_gmtime_adj(X509_getm_notBefore(paper), 0);
  X509_gmtime_adj(X509_getm_notAfter(paper), 3600);
  X509_NAME* name = X509_get_subject_name(paper);
  const std::string text = "hub";
  X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(text.c_str()), -1, -1, 0);
  X509_set_issuer_name(paper, name);
  X509_EXTENSION* addresses =
      X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, "IP:127.0.0.1");
  X509_add_ext(paper, addresses, -1);
  X509_EXTENSION_free(addresses);
  X509_set_pubkey(paper, pair);
  X509_sign(paper, pair, EVP_sha256());
  std::FILE* out = std::fopen(certificate.c_str(), "wb");
  PEM_write_X509(out, paper);
  std::fclose(out);
  out = std::fopen(key.c_str(), "wb");
  PEM_write_PrivateKey(out, pair, nullptr, nullptr, 0, nullptr, nullptr);
  std::fclose(out);
  X509_free(paper);
  EVP_PKEY_free(pair);
}

}  // namespace esshub::tests
