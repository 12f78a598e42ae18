#include <doctest/doctest.h>

TEST_CASE("trials: placeholder") {}
