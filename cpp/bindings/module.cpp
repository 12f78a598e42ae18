#include <pybind11/pybind11.h>

#include "nusky/threads.hpp"

namespace nusky::bindings {
void bind_events(pybind11::module_& m);
void bind_likelihood(pybind11::module_& m);
void bind_directions(pybind11::module_& m);
void bind_scan(pybind11::module_& m);
void bind_random(pybind11::module_& m);
void bind_stack(pybind11::module_& m);
void bind_system(pybind11::module_& m);
void bind_templates(pybind11::module_& m);
void bind_trials(pybind11::module_& m);
void bind_flares(pybind11::module_& m);
}  // namespace nusky::bindings

PYBIND11_MODULE(_core, m) {
  m.doc() = "The C++ core of nusky: events, directions, and the likelihood fit of every direction.";
  nusky::install_fork_handler();
  nusky::bindings::bind_events(m);
  nusky::bindings::bind_likelihood(m);
  nusky::bindings::bind_directions(m);
  nusky::bindings::bind_scan(m);
  nusky::bindings::bind_random(m);
  nusky::bindings::bind_trials(m);
  nusky::bindings::bind_stack(m);
  nusky::bindings::bind_templates(m);
  nusky::bindings::bind_flares(m);
  nusky::bindings::bind_system(m);
}
