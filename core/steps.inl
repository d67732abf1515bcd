// What both ways through a network ask of a step.

// The row of X that stands at this place of the order.
template <class T>
inline int64_t row_at(const Job<T>& job, int64_t place) {
    return job.order ? job.order[place] : place;
}

// Σ s_n of the rows of a step.
template <class T>
inline double weight_of(const Job<T>& job, int64_t first, int64_t count) {
    if (!job.weights) return static_cast<double>(count);
    double total = 0.0;
    for (int64_t n = 0; n < count; ++n) total += static_cast<double>(job.weights[row_at(job, first + n)]);
    return total;
}

// Where a value was first not finite, in the order of computation: outputs from the first layer on, the loss, gradients
// from the last layer down.
template <class Output, class Gradient>
inline Broken first_broken(int n_layers, double loss, int64_t step, Output&& bad_output, Gradient&& bad_gradient) {
    for (int l = 0; l < n_layers; ++l)
        if (bad_output(l)) return {What::output, step, l + 1};
    if (!(loss - loss == 0.0)) return {What::loss, step, n_layers};
    for (int l = n_layers - 1; l >= 0; --l)
        if (bad_gradient(l)) return {What::gradient, step, l + 1};
    return {What::nothing, step, 0};
}
