package main

import (
	"maps"
	"slices"
	"time"

	"hydrant/pkg/telemetry"
	"hydrant/pkg/transform"
)

// metrics are a batch's. Those of the first block are in every batch, so that shares can be told from them: of RecordsFailed in Records, say.
// The others are there where they are not 0: CloudWatch has its price for each metric and each hour in which it has a value.
//
// A document of the embedded metric format has one value for each dimension, so one line cannot hold a metric by several types: the type, or
// the reason, is the end of the metric's name. Both come from closed lists.
func metrics(b transform.Batch, elapsed time.Duration) []telemetry.Metric {
	types := map[string]transform.Count{}
	rejected := 0
	for name, count := range b.Types {
		if name == "" {
			name = "unknown"
		}
		rejected += count.Invalid
		types[name] = transform.Count{Valid: types[name].Valid + count.Valid, Invalid: types[name].Invalid + count.Invalid}
	}
	all := []telemetry.Metric{
		count("Records", b.Records),
		count("RecordsOk", b.Ok),
		count("RecordsFailed", b.Failed),
		count("Events", b.Events),
		count("EventsRejected", rejected),
		count("Rows", b.Rows),
		count("UnknownFields", b.UnknownFields),
		{Name: "BytesIn", Unit: telemetry.Bytes, Value: float64(b.BytesIn)},
		{Name: "BytesOut", Unit: telemetry.Bytes, Value: float64(b.BytesOut)},
	}
	if b.Records > 0 {
		perRecord := float64(elapsed.Nanoseconds()) / 1e3 / float64(b.Records)
		all = append(all, telemetry.Metric{Name: "DurationPerRecord", Unit: telemetry.Microseconds, Value: perRecord})
	}
	for _, name := range slices.Sorted(maps.Keys(types)) {
		all = append(all, count("Events."+name, types[name].Valid+types[name].Invalid))
		if n := types[name].Invalid; n > 0 {
			all = append(all, count("EventsRejected."+name, n))
		}
	}
	for _, reason := range slices.Sorted(maps.Keys(b.Reasons)) {
		all = append(all, count("Rejections."+string(reason), b.Reasons[reason]))
	}
	return all
}

func count(name string, n int) telemetry.Metric {
	return telemetry.Metric{Name: name, Unit: telemetry.Count, Value: float64(n)}
}
