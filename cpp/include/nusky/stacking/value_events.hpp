#pragma once
#include <cstddef>
#include <utility>
#include <vector>

#include "nusky/aligned.hpp"
#include "nusky/events/event_index.hpp"

namespace nusky {

/// Of events that a fit takes as sums only: Σ of their largest S/B R, and Σ of its square.
struct LeftOut {
  double largest_w = 0.0, squares = 0.0;
};

/// Events of one trial whose S/B(γ) has been evaluated, on their way to a fit; the work space of one thread.
///
/// An event is a value times R(γ): R is that of the event alone, or has rows of its own here.
class ValueEvents {
 public:
  explicit ValueEvents(const GammaAxis& axis);

  /// Takes all events out.
  void clear();
  /// An event with the R of the event alone.
  void add(float value, const EventRecord& event);
  /// Room for R of another event at the coarse γ, (16,). It stays where it is until the next one.
  float* next_coarse();
  /// An event with the row just written. @param peak, lift see EventRecord
  void add_with_row(float value, float peak, float lift);
  /// Room for ln R of such an event at the nodes, up to a multiple of 16. It stays where it is until the next one.
  float* nodes_of(std::size_t event);
  /// Events whose S/B R stays below this at every γ may be left out.
  float needed_above() const { return needed_above_; }
  void need_above(float edge) { needed_above_ = edge; }
  /// Leaves an event out. @param largest_w its S/B R is at most this
  void leave_out(float largest_w) {
    const auto w = static_cast<double>(largest_w);
    left_out_.largest_w += w;
    left_out_.squares += w * w;
  }
  /// Those left out since this was asked last.
  LeftOut take_left_out() { return std::exchange(left_out_, LeftOut{}); }
  /// Length of a row of nodes.
  std::size_t node_stride() const { return stride_; }
  std::size_t size() const { return records_.size(); }
  /// Hands the events from number `first` on to an index, as those of a season. All events must be in.
  void hand_on(EventIndex& index, int season, std::size_t first, std::size_t last);
  /// After the last event: rows are where the fit finds them.
  void close();

 private:
  static constexpr std::size_t none = static_cast<std::size_t>(-1);
  struct Rows {
    std::size_t coarse, nodes;  // none: those of the event alone; no nodes
  };
  std::size_t stride_, n_coarse_ = 0, n_nodes_ = 0;
  float needed_above_ = 0.0F;
  LeftOut left_out_;
  AlignedVector<EventRecord> records_;
  std::vector<Rows> rows_;
  AlignedVector<float> coarse_, nodes_, blank_;
};

}  // namespace nusky
