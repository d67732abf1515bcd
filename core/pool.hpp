// Threads that share out the tasks of one piece of work after another, a few microseconds each.
#pragma once

#include <cstdint>

namespace thalweg {

// task(context, index, thread): thread 0 is the caller, the others are numbered from 1.
using SharedTask = void (*)(void* context, int64_t index, int thread);

// Runs tasks 0 … tasks − 1, each once, on up to `threads` threads, and returns when all are done. Each thread begins with
// its own part of them, so that data stay in its cache from one call to the next, and then takes what others have left:
// where another program holds a core, its tasks are done by those that run. The caller never waits for a thread that has
// not begun a task.
//
// Every calling thread has helpers of its own, which stay for its next call; a child of fork starts with none.
void share_out(int threads, int64_t tasks, SharedTask task, void* context);

// While it lives, this thread counts as one that computes: what the machine's cores are divided by.
class Computing {
public:
    Computing();
    ~Computing();
    Computing(const Computing&) = delete;
    Computing& operator=(const Computing&) = delete;
    static int threads();
};

}  // namespace thalweg
