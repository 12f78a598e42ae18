#pragma once
#include <string>

#include "options.hpp"
#include "reference.hpp"

namespace nusky::bench {

/// Measures the machine's rates and how a scan scales, and writes it all to the file `o.sweep` as JSON for scaling.py.
/// @param data what was measured, in words
void sweep(const Options& o, const reference::Model& model, const std::string& data);

}  // namespace nusky::bench
