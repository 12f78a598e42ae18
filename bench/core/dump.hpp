#pragma once
// The raw dump of an analysis that `nusky.dump.write_dump` writes, little-endian, no padding:
//   8 bytes "NUSKYDMP", uint64 version = 1, uint64 K seasons, uint64 G γ nodes, uint64 D sin δ nodes,
//   float64 gamma_nodes[G], float64 sindec_nodes[D], float64 log_acceptance[K][D][max(G,1)],
//   then per season: uint64 N, float64 ra[N], dec[N], sigma[N], background[N], float32 log_ratio[N][G].
#include <cstdint>
#include <cstring>
#include <fstream>
#include <stdexcept>
#include <string>

#include "reference.hpp"

namespace nusky::bench {

inline reference::Model read_dump(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) throw std::runtime_error("cannot open " + path);
  char magic[8];
  std::uint64_t head[4];
  const auto get = [&](void* p, std::size_t bytes) {
    if (!in.read(static_cast<char*>(p), static_cast<std::streamsize>(bytes)))
      throw std::runtime_error(path + " ends too early; write it again with nusky.dump.write_dump");
  };
  get(magic, 8);
  get(head, sizeof head);
  if (std::memcmp(magic, "NUSKYDMP", 8) != 0 || head[0] != 1) throw std::runtime_error(path + " is no nusky dump of version 1");
  const std::size_t K = head[1], G = head[2], D = head[3];
  if (K == 0 || K > 1000 || G > 10000 || D == 0 || D > 1000000) throw std::runtime_error(path + ": damaged header");
  reference::Model m;
  m.gamma_nodes.resize(G);
  m.sindec_nodes.resize(D);
  m.log_acceptance.resize(K * D * std::max<std::size_t>(G, 1));
  get(m.gamma_nodes.data(), G * 8);
  get(m.sindec_nodes.data(), D * 8);
  get(m.log_acceptance.data(), m.log_acceptance.size() * 8);
  for (std::size_t k = 0; k < K; ++k) {
    std::uint64_t n = 0;
    get(&n, 8);
    if (n > 1000000000) throw std::runtime_error(path + ": damaged season");
    reference::Season s;
    for (auto* column : {&s.ra, &s.dec, &s.sigma, &s.background}) {
      column->resize(n);
      get(column->data(), n * 8);
    }
    s.log_ratio.resize(n * G);
    get(s.log_ratio.data(), s.log_ratio.size() * 4);
    s.n_events = static_cast<double>(n);
    m.seasons.push_back(std::move(s));
  }
  return m;
}

}  // namespace nusky::bench
