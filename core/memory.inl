// How the rows of a step are cut, and the memory for those that are in work at a time.

constexpr int64_t CACHE = 1 << 19;  // bytes that a task should not exceed, half of a second-level cache
constexpr int64_t MOST_BYTES = 40 << 20;  // for all that is not the parameters
constexpr int64_t MOST_SLOTS = 64;
constexpr int64_t MOST_WORK = 3'500'000'000;  // rows times parameters between two questions whether to stop

// The rows of a step. It depends on the problem alone: sums over rows are cut where it cuts.
template <class T>
struct Cut {
    static constexpr int64_t W = WIDTH<T>;
    int64_t slots;             // of rows, each with a gradient of its own; 1 where all rows share one
    int64_t rows_at_once;      // in one memory, whole panels
    int64_t panels_together;   // pass through all layers before the next ones do

    explicit Cut(const Job<T>& job) {
        const bool wants_gradient = job.task == Task::train || job.task == Task::gradient;
        int64_t units = 0;
        for (int l = 0; l < job.network.n_layers; ++l)
            units += job.network.layers[l].below + job.network.layers[l].above;
        const int64_t row = 3 * units * static_cast<int64_t>(sizeof(T));
        const int64_t panels = (job.batch + W - 1) / W, parameters = job.network.n_parameters;
        // Slots of whole tiles, each of at least some tens of microseconds, and smaller than what passes the layers.
        const int64_t by_work = job.batch * parameters / 100'000, by_tiles = panels / VECTORS;
        slots = by_work < by_tiles ? by_work : by_tiles;
        if (slots > MOST_SLOTS) slots = MOST_SLOTS;
        const bool fits = slots * parameters <= job.batch * units &&
                          slots * parameters * static_cast<int64_t>(sizeof(T)) <= MOST_BYTES;
        if (slots < 1 || (wants_gradient && !fits)) slots = 1;
        // By parts, no more rows than leave an answer to "stop?" within a fifth of a second.
        int64_t most = has_slots() ? CACHE / row / (VECTORS * W) * (VECTORS * W) : MOST_BYTES / row;
        if (!has_slots() && most > MOST_WORK / parameters) most = MOST_WORK / parameters;
        const int64_t least = has_slots() ? VECTORS * W : W;
        if (most < least) most = least;
        const int64_t needed = (panels + slots - 1) / slots * W;
        const int64_t pieces = (needed + most - 1) / most;  // of about the same size
        rows_at_once = ((needed + pieces - 1) / pieces + W - 1) / W * W;
        // Tile by tile through all layers, while the weights stay in the cache meanwhile.
        panels_together = parameters * static_cast<int64_t>(sizeof(T)) <= CACHE ? VECTORS : rows_at_once / W;
    }

    bool has_slots() const { return slots > 1; }

    // Slots of a step of `count` rows: fewer where the last batch of an epoch is smaller.
    int64_t slots_for(int64_t count) const {
        const int64_t tiles = (count + W - 1) / W / VECTORS;
        return tiles < 1 ? 1 : tiles < slots ? tiles : slots;
    }
};

// What the layers hold of the rows that are in memory, and the output layer's needs.
template <class T>
struct Memory {
    Dense<T>* layers = nullptr;
    T* targets = nullptr;  // [rows/W][k][W]
    T* errors = nullptr;   // E of each row
    T* factors = nullptr;  // s_n / Σ s_n or s_n; 0 for the copies behind the last row
    int64_t length = 0;    // of the vector of parameters, in panels

    Memory(const Job<T>& job, Space& space, int64_t rows) {
        constexpr int64_t W = WIDTH<T>;
        const bool wants_gradient = job.task == Task::train || job.task == Task::gradient;
        const int n_layers = job.network.n_layers;
        layers = space.template take<Dense<T>>(n_layers);
        T* below = space.template take<T>(rows * job.network.layers[0].below);
        for (int l = 0; l < n_layers; ++l) {
            const Layer& layer = job.network.layers[l];
            Dense<T> dense{};
            dense.layer = layer;
            dense.rows = rows;
            dense.inner_panels = (layer.below + W - 1) / W;
            dense.weights = length;
            length += dense.inner_panels * layer.above * W;
            dense.biases = layer.biases < 0 ? -1 : length;
            if (layer.biases >= 0) length += (layer.above + W - 1) / W * W;
            dense.z_below = below;
            const int64_t size = rows * layer.above;
            if (wants_gradient) dense.z_below_by_unit = space.template take<T>(dense.inner_panels * rows * W);
            if (wants_gradient) dense.delta = space.template take<T>(size);
            const bool keeps_a = l + 1 == n_layers || (wants_gradient && saves_a(layer.activation));
            if (keeps_a) dense.a = space.template take<T>(size);
            dense.z = below = space.template take<T>(size);
            if (job.task == Task::train && layer.dropout > 0.0) {
                dense.mask = space.template take<T>(size);
                below = space.template take<T>(size);
            }
            if (layers) layers[l] = dense;
        }
        const int64_t outputs = job.network.layers[n_layers - 1].above;
        targets = space.template take<T>(rows * outputs);
        errors = space.template take<T>(rows);
        factors = space.template take<T>(rows);
    }
};
