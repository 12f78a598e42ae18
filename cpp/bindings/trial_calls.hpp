#pragma once
// What the calls that draw trials share.
#include <exception>

#include "arrays.hpp"
#include "nusky/likelihood/likelihood.hpp"
#include "nusky/trials/point_trials.hpp"

namespace nusky::bindings {

/// Source and signal have the seasons and the gamma nodes of the likelihood.
void require_seasons(const Likelihood& likelihood, const PointSource& source, const PointSignal* signal);

/// @param rows (n, fewest) or (n, most)
TrialRequest read_request(std::uint64_t key, const I64& numbers, double n_sig, bool poisson, const F64& rows, int fewest, int most);

/// (done, interrupted): Ctrl-C is told, other exceptions go on.
py::tuple finished(std::size_t done, const std::exception_ptr& raised);

}  // namespace nusky::bindings
