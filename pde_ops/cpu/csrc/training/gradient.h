// What one thread adds up of a weights' gradient: in float lane by lane, which sums in double take over now and then.
#pragma once
#include <algorithm>
#include <vector>

template <typename Vector>
struct Gradient {
    std::vector<Vector> sums;
    std::vector<double> all;
    long held = 0;  // pixels that are in the sums

    explicit Gradient(size_t size) : sums(size), all(size, 0.0) { std::fill(sums.begin(), sums.end(), Vector{}); }

    void flush() {
        for (size_t i = 0; i < sums.size(); ++i) {
            for (size_t l = 0; l < sizeof(Vector) / sizeof(float); ++l) all[i] += sums[i][l];
            sums[i] = Vector{};
        }
        held = 0;
    }
};

// The threads' sums together, in their order.
template <typename Vector>
void add_up(const std::vector<Gradient<Vector>>& parts, float* gradient) {
    for (size_t i = 0; i < parts[0].all.size(); ++i) {
        double total = 0;
        for (const Gradient<Vector>& part : parts) total += part.all[i];
        gradient[i] = float(total);
    }
}
