#include "machine.hpp"

#include <algorithm>
#include <fstream>
#include <set>
#include <thread>

#if defined(__linux__)
#include <sched.h>
#elif defined(__APPLE__)
#include <sys/sysctl.h>
#elif defined(_WIN32)
#define NOMINMAX
#define WIN32_LEAN_AND_MEAN
#include <windows.h>

#include <vector>
#endif

namespace thalweg {

namespace {

int count_threads() { return std::max(1, static_cast<int>(std::thread::hardware_concurrency())); }

void keep_cache(Machine& machine, int level, std::size_t bytes) {
    if (level == 1) machine.l1_bytes = bytes;
    if (level == 2) machine.l2_bytes = bytes;
    if (level == 3) machine.l3_bytes = bytes;
}

#if defined(__linux__)

// The first line of a file under /sys, or "" if the kernel (or the container) does not show it.
std::string first_line(const std::string& path) {
    std::ifstream file(path);
    std::string line;
    std::getline(file, line);
    return line;
}

// "48K" → 49152
std::size_t parse_size(const std::string& text) {
    std::size_t number = 0;
    for (const char c : text) {
        if (c >= '0' && c <= '9') number = 10 * number + static_cast<std::size_t>(c - '0');
        if (c == 'K') return number << 10;
        if (c == 'M') return number << 20;
    }
    return number;
}

// Whole cores' worth of time that the control group of this container allows ("200000 100000": two), or a great many.
int quota() {
    std::ifstream file("/sys/fs/cgroup/cpu.max");
    long microseconds = 0, period = 0;  // reading "max" as a number fails
    if (!(file >> microseconds >> period) || period < 1) return 1 << 20;
    return static_cast<int>(std::clamp(microseconds / period, 1L, 1L << 20));
}

void read_cores(Machine& machine) {
    // A container or `taskset` may allow fewer hardware threads than the machine has.
    cpu_set_t allowed;
    CPU_ZERO(&allowed);
    if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) return;
    machine.logical_cores = std::min(std::max(1, CPU_COUNT(&allowed)), quota());

    std::set<std::string> cores;
    for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
        if (!CPU_ISSET(cpu, &allowed)) continue;
        const std::string folder = "/sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/topology/";
        const std::string siblings = first_line(folder + "thread_siblings_list");
        cores.insert(siblings.empty() ? "cpu" + std::to_string(cpu) : siblings);
    }
    machine.physical_cores = std::max(1, static_cast<int>(cores.size()));
}

void read_caches(Machine& machine) {
    for (int index = 0; index < 8; ++index) {
        const std::string folder = "/sys/devices/system/cpu/cpu0/cache/index" + std::to_string(index) + "/";
        const std::string level = first_line(folder + "level");
        if (level.empty()) return;
        if (first_line(folder + "type") == "Instruction") continue;
        keep_cache(machine, level.front() - '0', parse_size(first_line(folder + "size")));
    }
}

#elif defined(__APPLE__)

std::size_t ask(const char* name) {
    std::size_t value = 0;
    std::size_t size = sizeof value;
    return sysctlbyname(name, &value, &size, nullptr, 0) == 0 ? value : 0;
}

void read_cores(Machine& machine) {
    const auto physical = static_cast<int>(ask("hw.physicalcpu"));
    if (physical > 0) machine.physical_cores = physical;
}

void read_caches(Machine& machine) {
    keep_cache(machine, 1, ask("hw.l1dcachesize"));
    keep_cache(machine, 2, ask("hw.l2cachesize"));
    keep_cache(machine, 3, ask("hw.l3cachesize"));
}

#elif defined(_WIN32)

std::vector<SYSTEM_LOGICAL_PROCESSOR_INFORMATION> processor_rows() {
    DWORD bytes = 0;
    GetLogicalProcessorInformation(nullptr, &bytes);
    std::vector<SYSTEM_LOGICAL_PROCESSOR_INFORMATION> rows(bytes / sizeof(SYSTEM_LOGICAL_PROCESSOR_INFORMATION));
    if (rows.empty() || !GetLogicalProcessorInformation(rows.data(), &bytes)) rows.clear();
    return rows;
}

void read_cores(Machine& machine) {
    int cores = 0;
    for (const auto& row : processor_rows()) cores += row.Relationship == RelationProcessorCore;
    if (cores > 0) machine.physical_cores = cores;
}

void read_caches(Machine& machine) {
    for (const auto& row : processor_rows())
        if (row.Relationship == RelationCache && row.Cache.Type != CacheInstruction)
            keep_cache(machine, row.Cache.Level, row.Cache.Size);
}

#else

void read_cores(Machine&) {}
void read_caches(Machine&) {}

#endif

}  // namespace

Machine describe_machine() {
    Machine machine;
    machine.logical_cores = machine.physical_cores = count_threads();
    read_cores(machine);
    machine.physical_cores = std::min(machine.physical_cores, machine.logical_cores);
    read_caches(machine);
    return machine;
}

std::string compiler() {
#if defined(__clang__)
    return "clang " + std::to_string(__clang_major__) + "." + std::to_string(__clang_minor__) + "." +
           std::to_string(__clang_patchlevel__);
#elif defined(__GNUC__)
    return "gcc " + std::to_string(__GNUC__) + "." + std::to_string(__GNUC_MINOR__) + "." +
           std::to_string(__GNUC_PATCHLEVEL__);
#elif defined(_MSC_VER)
    return "msvc " + std::to_string(_MSC_VER);
#else
    return "unknown";
#endif
}

}  // namespace thalweg
