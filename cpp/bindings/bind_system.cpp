#include "arrays.hpp"
#include "nusky/kernels/table.hpp"
#include "nusky/threads.hpp"

namespace nusky::bindings {

void bind_system(py::module_& m) {
  m.def("max_threads", &max_threads, "Threads that this process may use.");
  m.def("simd_level", [] { return std::string(kernels().name); }, "The instruction set in use.");
  m.def("simd_levels", &simd_levels, "Instruction sets of this binary that this CPU runs, slowest first, separated by spaces.");
  m.def("set_simd_level", &set_simd_level, py::arg("name"), "Forces an instruction set; for tests and comparisons.");
  m.attr("__version__") = NUSKY_VERSION;
  m.attr("source_hash") = NUSKY_SOURCE_HASH;
  m.attr("commit") = NUSKY_COMMIT;
  m.attr("eigen_version") = NUSKY_EIGEN_VERSION;
  m.attr("compiler") =
#if defined(__clang__)
      "clang " __clang_version__;
#else
      "gcc " __VERSION__;
#endif
}

}  // namespace nusky::bindings
