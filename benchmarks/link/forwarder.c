/* Carries IP packets between two TUN devices as a bad radio link would.
 *
 *   forwarder LAPTOP CAR DEVICE SEED UP DOWN CLEANER...
 *
 * LAPTOP, CAR  paths of two network namespaces; DEVICE is made in each, and gone with this process.
 * UP, DOWN     what happens from laptop to car and back: numbers with commas between them,
 *              DELAY,JITTER,LOSS,GOOD,BAD,INSIDE,RATE,QUEUE[,AT,LENGTH]...
 *              delay +- jitter in ms; independent loss in %; bursts: mean ms of good and of bad
 *              times and the loss in % inside bad ones; rate in Mbit/s of IP bytes (0: no limit);
 *              the longest wait in the queue in ms; outages, in s since the start of the clock.
 * CLEANER      the command this process becomes if its standard input ends without a `q`:
 *              then whoever started it is dead and cannot tidy up.
 *
 * The way of a packet: drop-tail queue, the air (rate, outages, both kinds of loss: what is lost
 * there has used its time), delay with jitter that keeps the order, the other device.
 *
 * It prints `ready`, then obeys single letters on standard input, each answered with one line of
 * JSON, the statistics since the start of the clock: `s` is only that, `r` starts the clock and
 * its random numbers again, `q` ends.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <math.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

enum { DELAY, JITTER, LOSS, GOOD, BAD, INSIDE, RATE, QUEUE, SETTINGS };
enum { BY_QUEUE, BY_OUTAGE, BY_LOSS, BY_BURST, BY_DEVICE, CAUSES };
static const char *const CAUSE[CAUSES] = {"queue", "outage", "random", "burst", "device"};

enum {
    BIGGEST = 65536,  /* bytes of a packet */
    ROOM = 1 << 16,   /* packets under way in one direction */
    BATCH = 16,       /* packets read before those that are due are looked after */
    OUTAGES = 32,
    LATE_STEP = 5000, /* ns that one bar of the histogram spans */
    LATE_BARS = 4000,
};
static const double MS = 1e6, S = 1e9;

typedef int64_t Time; /* ns of CLOCK_MONOTONIC */

typedef struct {
    Time due;
    int size;
    unsigned char *bytes;
} Packet;

typedef struct {
    int64_t sent, sent_bytes, passed, passed_bytes, lost[CAUSES], late[LATE_BARS];
    Time longest_wait, latest;
} Counts;

typedef struct {
    const char *name;
    double setting[SETTINGS], outage[OUTAGES][2];
    int outages, from, to;
    /* A generator for each purpose: how many numbers one of them uses moves no other. */
    uint64_t loss_dice, inside_dice, burst_dice, jitter_dice;
    int is_bad;
    Time turn;     /* when good turns to bad, or back */
    Time air_free; /* when all that is in the queue is sent */
    Time last_due;
    Packet *ring; /* in the order of their release, which is that of their arrival */
    unsigned head, tail;
    Counts counts;
} Way;

static Way ways[2] = {{.name = "up"}, {.name = "down"}};
static Time clock_start;

static void fail(const char *what) {
    fprintf(stderr, "link forwarder: %s: %s\n", what, strerror(errno));
    exit(1);
}

static Time now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (Time)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* ---- random numbers: xorshift64* --------------------------------------------------------- */

static double throw(uint64_t *dice) { /* 0 <= x < 1 */
    uint64_t x = *dice;
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    *dice = x;
    return (double)((x * UINT64_C(0x2545f4914f6cdd1d)) >> 11) * 0x1p-53;
}

static uint64_t dice_for(uint64_t seed, uint64_t purpose) {
    uint64_t dice = (seed * 8 + purpose + 1) * UINT64_C(0xd1342543de82ef95) | 1;
    for (int i = 0; i < 16; i++) throw(&dice);
    return dice;
}

static Time exponential(uint64_t *dice, double mean_ms) {
    return 1 + (Time)(-log(1.0 - throw(dice)) * mean_ms * MS);
}

/* ---- the link ---------------------------------------------------------------------------- */

static void start_clock(uint64_t seed) {
    clock_start = now();
    for (int i = 0; i < 2; i++) {
        Way *w = &ways[i];
        w->loss_dice = dice_for(seed, 4 * i);
        w->inside_dice = dice_for(seed, 4 * i + 1);
        w->burst_dice = dice_for(seed, 4 * i + 2);
        w->jitter_dice = dice_for(seed, 4 * i + 3);
        w->is_bad = 0;
        w->turn = clock_start + exponential(&w->burst_dice, w->setting[GOOD]);
        int64_t bytes = 0;
        for (unsigned k = w->head; k != w->tail; k++) bytes += w->ring[k % ROOM].size;
        /* What is under way belongs to the new count, or its sums would not agree. */
        memset(&w->counts, 0, sizeof w->counts);
        w->counts.sent = w->tail - w->head;
        w->counts.sent_bytes = bytes;
    }
}

static int is_out(const Way *w, Time at) {
    double t = (double)(at - clock_start) / S;
    for (int i = 0; i < w->outages; i++)
        if (t >= w->outage[i][0] && t < w->outage[i][0] + w->outage[i][1]) return 1;
    return 0;
}

static int is_hit_by_burst(Way *w, Time at) {
    if (w->setting[BAD] <= 0) return 0;
    while (w->turn <= at) {
        w->is_bad = !w->is_bad;
        w->turn += exponential(&w->burst_dice, w->setting[w->is_bad ? BAD : GOOD]);
    }
    return w->is_bad && throw(&w->inside_dice) * 100 < w->setting[INSIDE];
}

/* Decides the fate of a packet that has just come: returns its cause of loss, or -1. */
static int take(Way *w, Time at, const unsigned char *bytes, int size) {
    Time wait = w->air_free > at ? w->air_free - at : 0;
    if (w->setting[RATE] > 0) {
        if ((double)wait > w->setting[QUEUE] * MS) return BY_QUEUE;
        if (wait > w->counts.longest_wait) w->counts.longest_wait = wait;
        w->air_free = at + wait + (Time)(size * 8000.0 / w->setting[RATE]);
        at = w->air_free;
    }
    if (is_out(w, at)) return BY_OUTAGE;
    /* Thrown for each packet, so that a change of one setting leaves the others' luck alone. */
    int by_loss = throw(&w->loss_dice) * 100 < w->setting[LOSS];
    if (is_hit_by_burst(w, at)) return BY_BURST;
    if (by_loss) return BY_LOSS;
    if (w->tail - w->head == ROOM) return BY_QUEUE;

    double delay = w->setting[DELAY] + w->setting[JITTER] * (2 * throw(&w->jitter_dice) - 1);
    Packet p = {at + (Time)((delay > 0 ? delay : 0) * MS), size, malloc(size)};
    if (!p.bytes) fail("memory");
    if (p.due < w->last_due) p.due = w->last_due;
    w->last_due = p.due;
    memcpy(p.bytes, bytes, size);
    w->ring[w->tail++ % ROOM] = p;
    return -1;
}

static void read_packets(Way *w) {
    static unsigned char bytes[BIGGEST];
    for (int i = 0; i < BATCH; i++) {
        ssize_t size = read(w->from, bytes, sizeof bytes);
        if (size <= 0) return;
        w->counts.sent++;
        w->counts.sent_bytes += size;
        int cause = take(w, now(), bytes, (int)size);
        if (cause >= 0) w->counts.lost[cause]++;
    }
}

static void release_due(Way *w) {
    while (w->head != w->tail) {
        Packet *p = &w->ring[w->head % ROOM];
        Time late = now() - p->due;
        if (late < 0) return;
        if (write(w->to, p->bytes, p->size) == p->size) {
            w->counts.passed++;
            w->counts.passed_bytes += p->size;
        } else {
            w->counts.lost[BY_DEVICE]++;
        }
        w->counts.late[late / LATE_STEP < LATE_BARS ? late / LATE_STEP : LATE_BARS - 1]++;
        if (late > w->counts.latest) w->counts.latest = late;
        free(p->bytes);
        w->head++;
    }
}

/* ---- statistics -------------------------------------------------------------------------- */

static double late_us(const Counts *c, double share) { /* at most so many us, for that share */
    int64_t all = 0, seen = 0;
    for (int i = 0; i < LATE_BARS; i++) all += c->late[i];
    for (int i = 0; i < LATE_BARS - 1; i++)
        if ((double)(seen += c->late[i]) >= share * (double)all)
            return fmin((i + 1) * (LATE_STEP / 1e3), (double)c->latest / 1e3);
    return (double)c->latest / 1e3;
}

static void print_statistics(void) {
    printf("{\"seconds\": %.6f", (double)(now() - clock_start) / S);
    for (int i = 0; i < 2; i++) {
        const Way *w = &ways[i];
        const Counts *c = &w->counts;
        printf(", \"%s\": {\"sent\": %" PRId64 ", \"sent_bytes\": %" PRId64, w->name, c->sent,
               c->sent_bytes);
        printf(", \"passed\": %" PRId64 ", \"passed_bytes\": %" PRId64, c->passed, c->passed_bytes);
        printf(", \"under_way\": %u, \"lost\": {", w->tail - w->head);
        for (int k = 0; k < CAUSES; k++)
            printf("%s\"%s\": %" PRId64, k ? ", " : "", CAUSE[k], c->lost[k]);
        printf("}, \"queue_max_ms\": %.3f", (double)c->longest_wait / MS);
        printf(", \"late_us\": {\"p50\": %.1f, \"p90\": %.1f, \"p99\": %.1f, \"max\": %.1f}}",
               late_us(c, 0.5), late_us(c, 0.9), late_us(c, 0.99), (double)c->latest / 1e3);
    }
    printf("}\n");
    fflush(stdout);
}

/* ---- life -------------------------------------------------------------------------------- */

static void read_settings(Way *w, char *text) {
    int i = 0;
    for (char *word = strtok(text, ","); word; word = strtok(NULL, ","), i++) {
        if (i < SETTINGS)
            w->setting[i] = atof(word);
        else if (i - SETTINGS < 2 * OUTAGES)
            w->outage[(i - SETTINGS) / 2][(i - SETTINGS) % 2] = atof(word);
    }
    if (i < SETTINGS || (i - SETTINGS) % 2 || i - SETTINGS > 2 * OUTAGES) {
        errno = EINVAL;
        fail(w->name);
    }
    w->outages = (i - SETTINGS) / 2;
}

static int open_device(const char *space, const char *name) {
    int inside = open(space, O_RDONLY | O_CLOEXEC);
    if (inside < 0 || setns(inside, CLONE_NEWNET)) fail(space);
    close(inside);
    int device = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (device < 0) fail("/dev/net/tun");
    /* Without offloads: each packet seen here is one on the wire, no longer than the MTU. */
    struct ifreq request = {.ifr_flags = IFF_TUN | IFF_NO_PI};
    snprintf(request.ifr_name, sizeof request.ifr_name, "%s", name);
    if (ioctl(device, TUNSETIFF, &request)) fail(name);
    return device;
}

/* Ordinary programs must not delay a release; without the right to that it works less well. */
static void take_precedence(void) {
    struct sched_param first = {.sched_priority = 10};
    sched_setscheduler(0, SCHED_FIFO, &first);
    prctl(PR_SET_TIMERSLACK, 1);
    mlockall(MCL_CURRENT | MCL_FUTURE);
}

static void become(char **command) {
    struct sched_param ordinary = {.sched_priority = 0};
    sched_setscheduler(0, SCHED_OTHER, &ordinary);
    execvp(command[0], command);
    fail(command[0]);
}

static void obey(uint64_t seed, char **cleaner) {
    char order;
    ssize_t got = read(STDIN_FILENO, &order, 1);
    if (got < 0 && errno == EINTR) return;
    if (got <= 0) become(cleaner);
    print_statistics();
    if (order == 'r') start_clock(seed);
    if (order == 'q') exit(0);
}

static struct timespec until_next_due(void) {
    Time next = INT64_MAX, at = now();
    for (int i = 0; i < 2; i++)
        if (ways[i].head != ways[i].tail && ways[i].ring[ways[i].head % ROOM].due < next)
            next = ways[i].ring[ways[i].head % ROOM].due;
    Time wait = next == INT64_MAX ? 3600 * (Time)S : next > at ? next - at : 0;
    return (struct timespec){wait / 1000000000, wait % 1000000000};
}

int main(int count, char **words) {
    if (count < 8) {
        fprintf(stderr, "usage: forwarder LAPTOP CAR DEVICE SEED UP DOWN CLEANER...\n");
        return 2;
    }
    uint64_t seed = strtoull(words[4], NULL, 10);
    signal(SIGPIPE, SIG_IGN);
    int home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    for (int i = 0; i < 2; i++) {
        read_settings(&ways[i], words[5 + i]);
        ways[i].from = open_device(words[1 + i], words[3]);
        ways[i].ring = calloc(ROOM, sizeof *ways[i].ring);
        if (!ways[i].ring) fail("memory");
    }
    ways[0].to = ways[1].from;
    ways[1].to = ways[0].from;
    /* Whoever clears a namespace ends every process that is in it. */
    if (setns(home, CLONE_NEWNET)) fail("leaving the namespaces");
    take_precedence();
    start_clock(seed);
    printf("ready\n");
    fflush(stdout);

    struct pollfd watched[3] = {
        {.fd = ways[0].from, .events = POLLIN},
        {.fd = ways[1].from, .events = POLLIN},
        {.fd = STDIN_FILENO, .events = POLLIN},
    };
    for (;;) {
        for (int i = 0; i < 2; i++) release_due(&ways[i]);
        struct timespec wait = until_next_due();
        if (ppoll(watched, 3, &wait, NULL) <= 0) continue;
        for (int i = 0; i < 2; i++)
            if (watched[i].revents) read_packets(&ways[i]);
        if (watched[2].revents) obey(seed, words + 7);
    }
}
