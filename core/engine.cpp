#include "engine.hpp"

#include <algorithm>
#include <chrono>
#include <new>
#include <stdexcept>
#include <string>

#include "cpu.hpp"
#include "flush.hpp"
#include "machine.hpp"
#include "pool.hpp"

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace thalweg {

namespace {

using Clock = std::chrono::steady_clock;

std::shared_ptr<void> allocate(int64_t bytes) {
    constexpr int64_t HUGE_PAGE = int64_t{1} << 21;
    const auto alignment = static_cast<std::align_val_t>(bytes >= 2 * HUGE_PAGE ? HUGE_PAGE : 64);
    std::shared_ptr<void> memory(::operator new(static_cast<size_t>(bytes), alignment),
                                 [alignment](void* at) { ::operator delete(at, alignment); });
#if defined(__linux__)
    // Panels of wide layers lie on many pages at once; large pages keep their addresses at hand.
    if (bytes >= 2 * HUGE_PAGE) madvise(memory.get(), static_cast<size_t>(bytes / HUGE_PAGE * HUGE_PAGE), MADV_HUGEPAGE);
#endif
    return memory;
}

// Multiplications and additions of one step.
double work(const Network& network, int64_t rows, bool is_training) {
    return static_cast<double>(network.n_parameters) * static_cast<double>(rows) * (is_training ? 6.0 : 2.0);
}

struct Poller {
    const ShouldStop& should_stop;
    Clock::time_point next;

    static bool ask(void* self) {
        Poller& poller = *static_cast<Poller*>(self);
        const Clock::time_point now = Clock::now();
        if (now < poller.next) return false;
        poller.next = now + std::chrono::milliseconds(50);
        return poller.should_stop();
    }
};

template <class T>
void execute(const KernelsOf<T>& kernels, Job<T>& job) {
    const FlushToZero flush;
    job.share_out = &share_out;
    kernels.run(job);
}

template <class T>
void evaluate(const Kernels& kernels, Job<T>& job, int threads) {
    const KernelsOf<T>& of = kernels.of<T>();
    job.batch = job.rows;
    const Computing computing;
    job.threads = threads_for(job.network, job.rows, job.task == Task::gradient, threads);
    const std::shared_ptr<void> memory = allocate(of.space(job));
    job.space = memory.get();
    of.prepare(job);
    execute(of, job);
}

template <class T>
Job<T> job_for(Task task, const OwnedNetwork& network, const T* parameters, const T* X, const T* Y, const T* weights,
               int64_t rows) {
    Job<T> job;
    job.task = task;
    job.network = network.view();
    job.parameters = parameters;
    job.X = X;
    job.Y = Y;
    job.weights = weights;
    job.rows = rows;
    return job;
}

}  // namespace

const Kernels& find_kernels(std::string_view name) {
    static const std::vector<std::string> usable = usable_sets(cpu_features());
    const std::string chosen = choose_set(usable, name);
#if defined(THALWEG_X86_KERNELS)
    if (chosen == "avx512") return kernels_avx512;
    if (chosen == "avx2") return kernels_avx2;
#elif defined(THALWEG_NEON_KERNELS)
    if (chosen == "neon") return kernels_neon;
#endif
    if (chosen == "portable") return kernels_portable;
    throw std::invalid_argument("this build has no kernels for the instruction set '" + chosen + "'; use 'portable'");
}

int threads_for(const Network& network, int64_t rows, bool is_training, int wanted) {
    static const int cores = describe_machine().physical_cores;
    // The three pieces of work of a step cost a microsecond each to share out; below this a second thread brings less.
    constexpr double WORK_OF_A_THREAD = 2e6;
    const int paying = static_cast<int>(std::min(work(network, rows, is_training) / WORK_OF_A_THREAD, 1e6));
    const int free = std::max(1, cores / std::max(1, Computing::threads()));
    const int most = std::min(wanted > 0 ? wanted : free, MAX_THREADS);
    return std::clamp(paying, 1, most);
}

template <class T>
Trainer<T>::Trainer(const Kernels& kernels, OwnedNetwork network, const Optimizer& optimizer, const T* X, const T* Y,
                    const T* weights, const T* parameters, std::vector<const T*> moments, int64_t t, int threads)
    : kernels_(kernels.of<T>()), network_(std::move(network)), wanted_threads_(threads) {
    job_.task = Task::train;
    job_.network = network_.view();
    job_.optimizer = optimizer;
    job_.X = X;
    job_.Y = Y;
    job_.weights = weights;
    job_.t = t;
    job_.n_moments = static_cast<int>(moments.size());
    job_.parameters = parameters;
    std::copy(moments.begin(), moments.end(), job_.moments);
}

template <class T>
void Trainer<T>::lay_out(int64_t batch) {
    if (memory_) {  // another batch size than before, or more threads: on from where it is
        between_.assign(1 + static_cast<size_t>(job_.n_moments),
                        std::vector<T>(static_cast<size_t>(job_.network.n_parameters)));
        std::vector<T*> moments;
        for (int i = 0; i < job_.n_moments; ++i) moments.push_back(between_[1 + static_cast<size_t>(i)].data());
        state(between_[0].data(), moments);
        job_.parameters = between_[0].data();
        std::copy(moments.begin(), moments.end(), job_.moments);
        memory_ = nullptr;
    }
    job_.batch = batch;
    laid_out_for_ = job_.threads;
    memory_ = allocate(kernels_.space(job_));
    job_.space = memory_.get();
    kernels_.prepare(job_);
    between_.clear();
}

template <class T>
Outcome Trainer<T>::run(const int64_t* order, int64_t rows, int64_t batch, const double* rates, int64_t steps,
                        double alpha, uint64_t seed, uint64_t epoch, double* losses, const ShouldStop& should_stop) {
    job_.order = order;
    job_.rows = rows;
    job_.rates = rates;
    job_.steps = steps;
    job_.alpha = alpha;
    job_.seed = seed;
    job_.epoch = epoch;
    job_.losses = losses;
    job_.steps_done = 0;
    job_.broken = {};
    job_.interrupted = false;
    const Computing computing;
    job_.threads = threads_for(job_.network, batch, true, wanted_threads_);
    if (!memory_ || batch != job_.batch || job_.threads > laid_out_for_) lay_out(batch);
    Outcome outcome;
    outcome.interrupted = should_stop();
    if (outcome.interrupted) return outcome;
    Poller poller{should_stop, Clock::now() + std::chrono::milliseconds(50)};
    job_.poller = &poller;
    job_.poll = &Poller::ask;
    job_.poll_every = std::clamp<int64_t>(static_cast<int64_t>(5e6 / (work(job_.network, batch, true) + 1e3)), 1, 10'000);
    execute(kernels_, job_);
    outcome.steps = job_.steps_done;
    outcome.broken = job_.broken;
    outcome.interrupted = job_.interrupted;
    return outcome;
}

template <class T>
void Trainer<T>::state(T* parameters, const std::vector<T*>& moments) const {
    if (memory_) return kernels_.state(job_, parameters, moments.data());
    std::copy_n(job_.parameters, job_.network.n_parameters, parameters);
    for (size_t i = 0; i < moments.size(); ++i) std::copy_n(job_.moments[i], job_.network.n_parameters, moments[i]);
}

template <class T>
double mean_loss(const Kernels& kernels, const OwnedNetwork& network, const T* parameters, const T* X, const T* Y,
                 const T* weights, int64_t rows, int threads) {
    Job<T> job = job_for(Task::loss, network, parameters, X, Y, weights, rows);
    evaluate(kernels, job, threads);
    return job.loss;
}

template <class T>
double loss_and_gradient(const Kernels& kernels, const OwnedNetwork& network, const T* parameters, const T* X,
                         const T* Y, const T* weights, int64_t rows, int threads, T* gradient) {
    Job<T> job = job_for(Task::gradient, network, parameters, X, Y, weights, rows);
    job.out = gradient;
    evaluate(kernels, job, threads);
    return job.loss;
}

template <class T>
void predict(const Kernels& kernels, const OwnedNetwork& network, const T* parameters, const T* X, int64_t rows,
             int threads, T* out) {
    Job<T> job = job_for<T>(Task::predict, network, parameters, X, nullptr, nullptr, rows);
    job.out = out;
    evaluate(kernels, job, threads);
}

#define THALWEG_INSTANCE(T)                                                                                           \
    template class Trainer<T>;                                                                                        \
    template double mean_loss<T>(const Kernels&, const OwnedNetwork&, const T*, const T*, const T*, const T*, int64_t, \
                                 int);                                                                                \
    template double loss_and_gradient<T>(const Kernels&, const OwnedNetwork&, const T*, const T*, const T*, const T*, \
                                         int64_t, int, T*);                                                           \
    template void predict<T>(const Kernels&, const OwnedNetwork&, const T*, const T*, int64_t, int, T*);
THALWEG_INSTANCE(float)
THALWEG_INSTANCE(double)

}  // namespace thalweg
