#pragma once
#include "nusky/fit/direction_fit.hpp"

namespace nusky {

/// ln Λ and its derivatives in n = n_s and γ at one point.
struct Evaluation {
  double value = 0, dn = 0, dg = 0, dnn = 0, dng = 0, dgg = 0;
};

/// The γ that are allowed; not free: γ stays where it is.
struct GammaRange {
  bool free = false;
  double low = 0.0, high = 0.0;
};

/// ln Λ of one direction as a function of n and γ, as Newton asks for it.
class Surface {
 public:
  Surface() = default;
  Surface(const Surface&) = delete;
  Surface& operator=(const Surface&) = delete;
  virtual ~Surface() = default;
  /// Prepares for a γ. @return how far n may go there
  virtual double enter(double gamma) = 0;
  /// At the γ entered last. @param n 0 < n ≤ what `enter` returned
  virtual Evaluation evaluate(double n, double gamma) = 0;
};

/// Gains in ln Λ below this end a maximisation when a step is that of a parabola: the step and its gain are still applied, so that what is
/// lost is of third order and far smaller.
constexpr double enough_gain = 5e-6;
/// Rounding of ln Λ as the float kernels evaluate it, relative to 1 + |ln Λ|.
constexpr double value_noise = 1e-7;
/// Steps up to these, in γ and relative to n, are those of a parabola.
constexpr double small_step_gamma = 0.1, small_step_n = 0.2;

/// Maximises ln Λ over n and γ by damped Newton steps within a box.
class Newton {
 public:
  struct Point {
    double n, gamma;
    double limit;  ///< largest n at this γ
    Evaluation e;
  };
  /// Where a step comes from.
  enum class Origin {
    newton,  ///< the Hessian is negative definite
    uphill,  ///< it is not: a direction that curves upwards is followed uphill instead
  };
  /// What the box did to a step.
  enum class Box {
    inside,     ///< nothing
    shortened,  ///< it is shorter as a whole: cutting one component alone could turn it downhill
    to_edge,    ///< γ goes to the edge of the box, n to where it is best there
    n_alone,    ///< γ or n sits at its end and cannot follow: n moves by itself
  };
  struct Step {
    double n, gamma;
    Origin origin;
    bool n_held;  ///< n is at its limit and ln Λ rises beyond
    Box box = Box::inside;
    double gain = 0.0;  ///< in ln Λ, of a parabola that is highest after the step
  };

  Newton(Surface& surface, const GammaRange& range) : surface_(&surface), range_(range) {}

  /// @param n where to start; 0: where there is no better guess
  DirectionFit maximise(double n, double gamma);

  /// The steps of `maximise`, one by one.
  Point start(double n, double gamma) const;
  /// γ is fixed, or at an end of its range, with ln Λ rising beyond.
  bool gamma_held(const Point& at) const;
  /// On the way to n = 0, where ln Λ = 0 for every γ.
  static bool vanishes(const Point& at);
  Step propose(const Point& at) const;
  Step into_box(Step step, const Point& at) const;
  /// Whether what is left to gain is too little for another evaluation. A shortened step is no Newton step, and its gain says nothing.
  static bool converged(const Step& step, const Point& at);
  /// Moves along the step, halved until ln Λ does not fall. False: nothing above rounding is left to gain.
  bool take(Point& at, const Step& step) const;

 private:
  Point point(double n, double gamma, double limit) const;
  bool fits_edge(const Step& step, const Point& at, double room_g, double best_n) const;

  Surface* surface_;
  GammaRange range_;
};

}  // namespace nusky
