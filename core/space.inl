// One piece of memory, laid out before the first step: pieces are taken from it in turn, each on a cache line of its own.
// Without memory behind it, it only counts.
class Space {
public:
    explicit Space(void* memory) : base_(static_cast<char*>(memory)) {}

    template <class U>
    U* take(int64_t count) {
        const int64_t at = used_;
        used_ += (count * static_cast<int64_t>(sizeof(U)) + 63) / 64 * 64;
        return base_ ? reinterpret_cast<U*>(base_ + at) : nullptr;
    }
    int64_t used() const { return used_; }

private:
    char* base_;
    int64_t used_ = 0;
};
