package transform_test

import (
	"slices"
	"syscall"
	"testing"
	"time"
)

// BenchmarkRatio takes the three ways in turns and compares the processor time that they use, turn by turn: a machine with other work to do
// is slow for all of them alike. The figures are medians.
func BenchmarkRatio(b *testing.B) {
	const events = 100
	for _, in := range inputs {
		b.Run("input="+in.name, func(b *testing.B) {
			payload := in.request(events)
			took := map[string][]float64{}
			all := ways(b)
			for b.Loop() {
				for _, way := range all {
					took[way.name] = append(took[way.name], cpuTime(b, way, payload)/events)
				}
			}
			b.ReportMetric(0, "ns/op")
			for name, times := range took {
				b.ReportMetric(median(times), name+"-ns/event")
			}
			b.ReportMetric(1e9/median(took["hydrant"]), "events/s")
			b.ReportMetric(median(quotients(took["baseline"], took["hydrant"])), "baseline/hydrant")
			b.ReportMetric(median(quotients(took["hydrant"], took["floor"])), "hydrant/floor")
		})
	}
}

// cpuTime is how many nanoseconds of processor time an answer takes: its share in some 20 milliseconds of them.
func cpuTime(b *testing.B, w way, payload []byte) float64 {
	const enough = 20 * time.Millisecond
	begin := used(b)
	for n := 1; ; n++ {
		if err := w.answer(payload); err != nil {
			b.Fatal(err)
		}
		if took := used(b) - begin; took >= enough {
			return float64(took.Nanoseconds()) / float64(n)
		}
	}
}

// used is the processor time of this process, the garbage collector's included.
func used(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func quotients(a, b []float64) []float64 {
	all := make([]float64, len(a))
	for i := range all {
		all[i] = a[i] / b[i]
	}
	return all
}

func median(all []float64) float64 {
	sorted := slices.Sorted(slices.Values(all))
	return sorted[len(sorted)/2]
}
