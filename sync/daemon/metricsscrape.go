package daemon

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/yardarm-io/yardarm/sync/hub"
	"github.com/yardarm-io/yardarm/sync/nats"
)

// scrape is what there is to tell at one moment.
type scrape struct {
	status Status
	stats  hub.Stats
	names  *names
}

func metric(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("yardarm_"+name, help, labels, nil)
}

// What a scrape tells.
var (
	metricBuild       = metric("build_info", "The program's version.", "version")
	metricRevision    = metric("revision_info", "The commits that are served, observed (the newest seen) and refused.", "kind", "revision")
	metricGeneration  = metric("served_generation", "The generation of what is served: 1 + the greatest of the commit's parents'.", "environment")
	metricFlags       = metric("served_flags", "The number of flags served.", "environment")
	metricReady       = metric("ready", "1 if every environment can be served, 0 if not.")
	metricStale       = metric("stale", "1 if the source has not been seen for longer than it should take.")
	metricDraining    = metric("draining", "1 if the daemon is about to end.")
	metricRefused     = metric("commit_refused", "1 if the newest commit is refused and an older one served.")
	metricRefusedAt   = metric("commit_refused_since_timestamp_seconds", "When the newest commit was first refused; absent where none is.")
	metricBehind      = metric("folders_lagging", "Folders that do not compile and are served as they were at an earlier commit, or not at all.")
	metricUnsaved     = metric("state_unsaved", "1 if what is served could not be written to disk, so that a restart without the source would bring what was served before.")
	metricUnlogged    = metric("log_unlogged_entries", "Entries that could not be written to the publication log; those that wait are tried again.")
	metricLogBroken   = metric("log_broken", "1 if the publication log was found changed when the daemon started.")
	metricHolds       = metric("holds", "Flags that are kept off here, without a commit.", "environment")
	metricHeldSince   = metric("hold_oldest_timestamp_seconds", "When the oldest hold began; absent where no flag is held.", "environment")
	metricHoldsLost   = metric("holds_unsaved", "1 if a restart would forget holds, or some were lost at the start.")
	metricPeersLost   = metric("peers_lost", "Replicas that do not tell their holds now.")
	metricRewritten   = metric("branch_rewritten_timestamp_seconds", "When what was published last did not follow from what was served; 0: never, as far as is known.")
	metricNATS        = metric("nats_connected", "1 if NATS is connected to; absent where there is none.")
	metricNATSError   = metric("nats_error", "1 if what is in NATS can't be kept up with: what is published does not reach other daemons, or does not come from there.")
	metricNATSWrote   = metric("nats_written_timestamp_seconds", "When something was last written to NATS.")
	metricNATSLost    = metric("nats_conflicts_total", "Writes to NATS that another daemon was quicker with.")
	metricVerified    = metric("source_verified_timestamp_seconds", "When the source was last seen; absent before the first time.")
	metricSourceError = metric("source_error", "1 if the source can't be read now.")
	metricSubscribers = metric("subscribers", "Connected subscribers; services beyond the first 200 are counted as _other.", "environment", "service")
	metricBelow       = metric("subscribers_below", "Subscribers behind connected relays, as these tell it.", "environment")
	metricLagging     = metric("subscribers_lagging", "Connected subscribers that have not put in force what is served.", "environment")
	metricMessages    = metric("feed_messages_total", "Messages sent to subscribers.", "type")
	metricBytes       = metric("feed_message_bytes_total", "Bytes of messages sent to subscribers, before compression.")
	metricCoalesced   = metric("feed_coalesced_total", "States not sent to a subscriber as a newer one was there when its turn came.")
	metricEvicted     = metric("feed_evicted_total", "Subscribers cut off because they did not read or answer in time.")
	metricFanOut      = metric("feed_fanout_duration_seconds", "How long after its publication a state was written to each connected subscriber.")
)

// Describe implements [prometheus.Collector].
func (s *scrape) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		metricBuild, metricRevision, metricGeneration, metricFlags, metricReady, metricStale, metricDraining, metricRefused, metricRefusedAt,
		metricBehind, metricVerified, metricSourceError, metricSubscribers, metricBelow, metricLagging, metricMessages, metricBytes, metricCoalesced, metricEvicted, metricFanOut,
		metricUnsaved, metricUnlogged, metricLogBroken, metricRewritten, metricHolds, metricHeldSince, metricHoldsLost, metricPeersLost, metricNATS, metricNATSError, metricNATSWrote, metricNATSLost,
	} {
		to <- d
	}
}

// Collect implements [prometheus.Collector].
func (s *scrape) Collect(to chan<- prometheus.Metric) {
	health(to, s.status)
	served(to, s.status)
	logged(to, s.status)
	held(to, s.status)
	inCommon(to, s.status.NATS)
	s.subscribers(to, s.status)
	delivered(to, s.stats)
}

func health(to chan<- prometheus.Metric, status Status) {
	gauge(to, metricBuild, 1, status.Version)
	flag(to, metricReady, status.Ready)
	flag(to, metricStale, status.Stale)
	flag(to, metricDraining, status.Draining)
	flag(to, metricSourceError, status.Source.Error != "")
	flag(to, metricRefused, status.Refused != nil)
	flag(to, metricUnsaved, status.State != nil && status.State.Unsaved != "")
	gauge(to, metricBehind, float64(len(status.Lagging)))
	rewritten := 0.0
	if status.Rewritten != nil {
		rewritten = seconds(status.Rewritten.At)
	}
	gauge(to, metricRewritten, rewritten)
	if status.Refused != nil {
		gauge(to, metricRevision, 1, "refused", status.Refused.Revision)
		gauge(to, metricRefusedAt, seconds(status.Refused.Since))
	}
	if status.Source.VerifiedAt != nil {
		gauge(to, metricRevision, 1, "observed", status.Source.Observed)
		gauge(to, metricVerified, seconds(*status.Source.VerifiedAt))
	}
}

// logged tells of the publication log; where none is kept, nothing is wrong with it.
func logged(to chan<- prometheus.Metric, status Status) {
	unlogged := 0
	if status.Unlogged != nil {
		unlogged = status.Unlogged.Waiting + status.Unlogged.Lost
	}
	gauge(to, metricUnlogged, float64(unlogged))
	flag(to, metricLogBroken, status.Log != nil && len(status.Log.Broken) > 0)
}

func held(to chan<- prometheus.Metric, status Status) {
	flags, lost := map[string]map[string]bool{}, 0
	for _, e := range status.Environments {
		flags[e.Name] = map[string]bool{}
	}
	for _, h := range status.Holds { // the oldest first
		if flags[h.Environment] == nil {
			flags[h.Environment] = map[string]bool{}
		}
		if len(flags[h.Environment]) == 0 {
			gauge(to, metricHeldSince, seconds(h.Since), h.Environment)
		}
		flags[h.Environment][h.Flag] = true
	}
	for environment, names := range flags {
		gauge(to, metricHolds, float64(len(names)), environment)
	}
	for _, peer := range status.Peers {
		if peer.Error != "" {
			lost++
		}
	}
	flag(to, metricHoldsLost, status.HoldsUnsaved != "" || status.HoldsDamaged != "")
	gauge(to, metricPeersLost, float64(lost))
}

// inCommon tells of NATS; where there is none, nothing is wrong with it.
func inCommon(to chan<- prometheus.Metric, status *nats.Status) {
	flag(to, metricNATSError, status != nil && (status.Error != "" || !status.Connected))
	if status == nil {
		return
	}
	flag(to, metricNATS, status.Connected)
	counter(to, metricNATSLost, status.Conflicts)
	if status.Wrote != nil {
		gauge(to, metricNATSWrote, seconds(*status.Wrote))
	}
}

func served(to chan<- prometheus.Metric, status Status) {
	for i, e := range status.Environments {
		if i == 0 { // the same in each
			gauge(to, metricRevision, 1, "served", e.At.Revision)
		}
		gauge(to, metricGeneration, float64(e.At.Generation), e.Name)
		gauge(to, metricFlags, float64(e.Flags), e.Name)
	}
}

func (s *scrape) subscribers(to chan<- prometheus.Metric, status Status) {
	generation, lagging, below := map[string]uint64{}, map[string]int{}, map[string]int{}
	for _, e := range status.Environments {
		generation[e.Name], lagging[e.Name], below[e.Name] = e.At.Generation, 0, 0
	}
	count := map[[2]string]int{}
	for _, sub := range status.Subscribers {
		count[[2]string{sub.Environment, s.names.label(sub.Service)}]++
		if sub.Generation < generation[sub.Environment] {
			lagging[sub.Environment]++
		}
		for _, row := range sub.Below {
			below[sub.Environment] += row.Number()
		}
	}
	for of, n := range count {
		gauge(to, metricSubscribers, float64(n), of[0], of[1])
	}
	for environment, n := range lagging {
		gauge(to, metricLagging, float64(n), environment)
	}
	for environment, n := range below {
		gauge(to, metricBelow, float64(n), environment)
	}
}

func delivered(to chan<- prometheus.Metric, stats hub.Stats) {
	for kind, n := range stats.Messages {
		counter(to, metricMessages, n, kind)
	}
	counter(to, metricBytes, stats.Bytes)
	counter(to, metricCoalesced, stats.Coalesced)
	counter(to, metricEvicted, stats.Evicted)
	to <- prometheus.MustNewConstHistogram(metricFanOut, stats.FanOut.Count, stats.FanOut.Sum.Seconds(), stats.FanOut.Buckets)
}

func gauge(to chan<- prometheus.Metric, d *prometheus.Desc, value float64, labels ...string) {
	to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
}

func counter(to chan<- prometheus.Metric, d *prometheus.Desc, value uint64, labels ...string) {
	to <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(value), labels...)
}

func flag(to chan<- prometheus.Metric, d *prometheus.Desc, yes bool) {
	value := 0.0
	if yes {
		value = 1
	}
	gauge(to, d, value)
}

func seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }
