#include "pool.hpp"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

#if !defined(_WIN32)
#include <pthread.h>
#endif

#include "flush.hpp"

namespace thalweg {

namespace {

// Looks for work this often before giving way to others, and for so long before going to sleep. A step of a small network
// takes tens of microseconds, waking a sleeper as long.
constexpr int LOOKS = 2000;
constexpr std::chrono::microseconds PATIENCE{200};

void relax() {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

class Pool {
public:
    ~Pool() {
        {
            const std::lock_guard<std::mutex> lock(mutex_);
            closing_ = true;
        }
        wake_.notify_all();
        for (std::thread& thread : helpers_) thread.join();
    }

    void run(int threads, int64_t tasks, SharedTask task, void* context) {
        try {
            while (static_cast<int>(helpers_.size()) + 1 < threads) {
                const int number = static_cast<int>(helpers_.size()) + 1;
                helpers_.emplace_back([this, number] { serve(number); });
            }
        } catch (const std::system_error&) {
            // No more threads are to be had: those there are take the tasks of those that are missing.
        }
        const uint64_t turn = turn_.load(std::memory_order_relaxed) + 1;
        task_ = task;
        context_ = context;
        done_.store(0, std::memory_order_relaxed);
        size_.store(threads, std::memory_order_relaxed);
        for (int t = 0; t < threads; ++t) {
            const auto part = [&](int at) { return turn << 32 | static_cast<uint64_t>(tasks * at / threads); };
            parts_[t].end.store(part(t + 1), std::memory_order_release);
            parts_[t].next.store(part(t), std::memory_order_release);
        }
        turn_.store(turn, std::memory_order_seq_cst);
        if (asleep_.load(std::memory_order_seq_cst) > 0) {
            const std::lock_guard<std::mutex> lock(mutex_);
            wake_.notify_all();
        }
        take_part(0, turn, threads);
        for (int looks = 0; done_.load(std::memory_order_acquire) != tasks; ++looks)
            looks < LOOKS ? relax() : std::this_thread::yield();
    }

private:
    static constexpr int MOST = 64;

    // Tasks [next, end) of a thread that nobody has taken yet. The upper half of both is the turn they belong to: a thread
    // that comes late takes nothing of a later turn, and nothing of an earlier one by the end of a later.
    struct alignas(64) Part {
        std::atomic<uint64_t> next{0};
        std::atomic<uint64_t> end{0};
    };

    void take_part(int thread, uint64_t turn, int threads) {
        for (int i = 0; i < threads; ++i) {
            Part& part = parts_[(thread + i) % threads];
            for (;;) {
                uint64_t next = part.next.load(std::memory_order_acquire);
                const uint64_t end = part.end.load(std::memory_order_acquire);
                if (next >> 32 != (turn & 0xFFFFFFFFu) || end >> 32 != next >> 32) return;
                if (next >= end) break;
                if (!part.next.compare_exchange_weak(next, next + 1, std::memory_order_acq_rel)) continue;
                const uint64_t index = next & 0xFFFFFFFFu;
                task_(context_, static_cast<int64_t>(index), thread);
                done_.fetch_add(1, std::memory_order_acq_rel);
            }
        }
    }

    void serve(int number) {
        const FlushToZero flush;
        uint64_t seen = 0;
        for (;;) {
            uint64_t turn = turn_.load(std::memory_order_acquire);
            const auto until = std::chrono::steady_clock::now() + PATIENCE;
            for (int looks = 1; turn == seen; turn = turn_.load(std::memory_order_acquire), ++looks) {
                relax();
                if (looks % LOOKS == 0) {
                    std::this_thread::yield();
                    if (std::chrono::steady_clock::now() > until) break;
                }
            }
            if (turn == seen) {
                std::unique_lock<std::mutex> lock(mutex_);
                asleep_.fetch_add(1, std::memory_order_seq_cst);
                wake_.wait(lock, [&] { return closing_ || turn_.load(std::memory_order_seq_cst) != seen; });
                asleep_.fetch_sub(1, std::memory_order_seq_cst);
                if (closing_) return;
                turn = turn_.load(std::memory_order_acquire);
            }
            seen = turn;
            const int threads = size_.load(std::memory_order_relaxed);
            if (number < threads) take_part(number, turn, threads);
        }
    }

    std::vector<std::thread> helpers_;
    Part parts_[MOST];
    std::atomic<uint64_t> turn_{0};
    std::atomic<int64_t> done_{0};
    std::atomic<int> size_{0}, asleep_{0};
    SharedTask task_ = nullptr;
    void* context_ = nullptr;
    std::mutex mutex_;
    std::condition_variable wake_;
    bool closing_ = false;
};

thread_local std::unique_ptr<Pool> pool;
std::atomic<int> computing{0};

void forget_threads_in_children() {
#if !defined(_WIN32)
    // A child of fork has none of the helpers, and perhaps a locked mutex: what it inherited is left alone for ever.
    static const int once = pthread_atfork(nullptr, nullptr, [] {
        static_cast<void>(pool.release());
        computing.store(0);
    });
    static_cast<void>(once);
#endif
}

}  // namespace

void share_out(int threads, int64_t tasks, SharedTask task, void* context) {
    if (threads <= 1 || tasks <= 1) {
        for (int64_t i = 0; i < tasks; ++i) task(context, i, 0);
        return;
    }
    if (!pool) {
        pool = std::make_unique<Pool>();
    }
    pool->run(threads, tasks, task, context);
}

Computing::Computing() {
    forget_threads_in_children();
    computing.fetch_add(1);
}
Computing::~Computing() { computing.fetch_sub(1); }
int Computing::threads() { return computing.load(); }

}  // namespace thalweg
