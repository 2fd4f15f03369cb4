package sse

import (
	"context"
	"time"

	"go.k6.io/k6/v2/js/modules"
	"go.k6.io/k6/v2/metrics"
)

// instruments are the metrics of the module; README.md beside it says what each means.
type instruments struct {
	events, gaps, lost, told, duplicates, late, unchecked *metrics.Metric
	connects, failures, cuts, closes, resumes             *metrics.Metric
	latency, openDuration, resumeDuration                 *metrics.Metric
	resumeSuccess, streams                                *metrics.Metric
}

func newInstruments(registry *metrics.Registry) (*instruments, error) {
	m := &instruments{}
	var failed error
	add := func(to **metrics.Metric, name string, kind metrics.MetricType, value metrics.ValueType) {
		one, err := registry.NewMetric(name, kind, value)
		if err != nil {
			failed = err
		}
		*to = one
	}
	for name, to := range map[string]**metrics.Metric{
		"sse_events": &m.events, "sse_gaps": &m.gaps, "sse_lost": &m.lost, "sse_gap_missed": &m.told, "sse_duplicates": &m.duplicates,
		"sse_reordered": &m.late, "sse_unchecked": &m.unchecked, "sse_connects": &m.connects, "sse_connect_failures": &m.failures,
		"sse_cuts": &m.cuts, "sse_closes": &m.closes, "sse_resumes": &m.resumes,
	} {
		add(to, name, metrics.Counter, metrics.Default)
	}
	add(&m.latency, "sse_event_latency", metrics.Trend, metrics.Time)
	add(&m.openDuration, "sse_open_duration", metrics.Trend, metrics.Time)
	add(&m.resumeDuration, "sse_resume_duration", metrics.Trend, metrics.Time)
	add(&m.resumeSuccess, "sse_resume_success", metrics.Rate, metrics.Default)
	add(&m.streams, "sse_streams", metrics.Gauge, metrics.Default)
	return m, failed
}

const (
	// samplesMax and flushAfter bound how long samples wait for others: k6 takes them through one channel for all virtual users.
	samplesMax = 256
	flushAfter = 200 * time.Millisecond
)

// recorder gathers the samples of one stream. For one goroutine at a time.
type recorder struct {
	ctx     context.Context
	out     chan<- metrics.SampleContainer
	tags    *metrics.TagSet
	waiting metrics.Samples
	since   time.Time
	tagSets map[[2]string]*metrics.TagSet
}

func newRecorder(vu modules.VU, tags map[string]string) *recorder {
	state := vu.State()
	set := state.Tags.GetCurrentValues().Tags
	for name, value := range tags {
		set = set.With(name, value)
	}
	return &recorder{ctx: vu.Context(), out: state.Samples, tags: set, tagSets: map[[2]string]*metrics.TagSet{}}
}

// add records a value; tag is a name and a value from a small set, or two empty strings.
func (r *recorder) add(metric *metrics.Metric, value float64, tag ...string) {
	set := r.tags
	if len(tag) == 2 {
		key := [2]string{tag[0], tag[1]}
		if r.tagSets[key] == nil {
			r.tagSets[key] = r.tags.With(tag[0], tag[1])
		}
		set = r.tagSets[key]
	}
	now := time.Now()
	if len(r.waiting) == 0 {
		r.since = now
	}
	r.waiting = append(r.waiting, metrics.Sample{TimeSeries: metrics.TimeSeries{Metric: metric, Tags: set}, Time: now, Value: value})
	if len(r.waiting) >= samplesMax || now.Sub(r.since) > flushAfter {
		r.flush()
	}
}

func (r *recorder) flush() {
	if len(r.waiting) > 0 {
		metrics.PushIfNotDone(r.ctx, r.out, r.waiting)
		r.waiting = nil
	}
}

// begin makes every counter known: k6 does not judge the threshold of a metric that nobody has written.
func (m *instruments) begin(r *recorder) {
	for _, counter := range []*metrics.Metric{
		m.events, m.gaps, m.lost, m.told, m.duplicates, m.late, m.unchecked, m.connects, m.failures, m.cuts, m.closes, m.resumes,
	} {
		r.add(counter, 0)
	}
	r.flush()
}
