package main

import (
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// usEast are the prices of us-east-1, as they stand in the file.
func usEast(t interface {
	Helper()
	Fatal(...any)
},
) *prices {
	t.Helper()
	p, err := readPrices("us-east-1")
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// plain is a stack whose every number stands here, so that the examples do not move with the template.
func plain() *stack {
	return &stack{
		onDemand: true, ownStream: true, shards: 4, retention: 72, keyUsers: 2, conversion: true,
		transform:   function{id: "T", memory: 0.25, architecture: "lambda.arm64", platformLog: true},
		bufferBytes: 0.3 * 1048576, bufferSeconds: 10, delivery: 60, deliveryBytes: 128 * 1048576, accessLine: 474, logDays: 73, alarmMetrics: 18, polledQueues: 1,
	}
}

func near(t *testing.T, what string, got, want float64) {
	t.Helper()
	if math.Abs(got-want) > 1e-9+1e-6*math.Abs(want) {
		t.Errorf("%s: the model has %.9f, by hand it is %.9f", what, got, want)
	}
}

// A million events of 1,024 bytes, one a request, on demand. Every number is written out; nothing of the model's is used but what is compared.
func TestOneEventByHand(t *testing.T) {
	const (
		gb  = 1073741824.
		api = 1e6 * 3.50 / 1e6
		// A line of 474 bytes, and 26 that CloudWatch Logs adds: 500. Kept for 73 days, which are 2.4 months of 365 / 12.
		access = 1e6 * 500 / gb * (0.50 + 0.03*2.4)
		// The record: 1,024 bytes of event and 173 of envelope, 1,197; with a key of 16 bytes 1,213, which count as 2 KB.
		in   = 1e6 * 2048 / gb * 0.08
		out  = 1e6 * 1197 / gb * 0.04
		week = 1e6 * 1197 / gb * (72 - 24) / 730 * 0.10
		// A record counts as 5 KB.
		ingestion  = 1e6 * 5120 / gb * 0.029
		conversion = 1e6 * 5120 / gb * 0.018
		// 0.3 MB hold 262 records (314,572.8 / 1,197 = 262.8): 1e6 / 262 invocations. A core takes 18 µs for an event, one of Lambda's 36, and
		// 256 MB have 256 / 1,769 of it: 262 × 36 × 1,769 / 256 = 65,177 µs. With 5 ms for the invocation it is 70.2 ms, so 71 are paid for.
		invocations = 1e6 / 262.
		lambda      = invocations * (0.20/1e6 + 0.071*0.25*0.0000133334)
		// The transform's line, 1,050 + 26 bytes, and Lambda's two, 620 + 52.
		log = invocations * (1076 + 672) / gb * (0.50 + 0.03*2.4)
		// A file of 128 MB for so many bytes; half of the event's bytes stay.
		puts    = 1e6 * 1197 / (128 * 1048576.) * 0.005 / 1000
		storage = 1e6 * 512 / gb * 0.023
	)
	m := &model{plain(), usEast(t), 100e6}
	near(t, "a million", sum(m.bill(shape{1024, 1, 1})).perMillion, api+access+in+out+week+ingestion+conversion+lambda+log+puts+storage)

	// By the month: 100 million events are 100 million records, and full batches are more than one every 10 s in each of 4 shards.
	const (
		stream = 730 * 0.04
		// 10 metrics of every batch and one for each of 3 event types.
		metrics = 13 * 0.30
		alarms  = 18 * 0.10
		// 5 pollers that wait 20 s each.
		polls = 5 * 730 * 3600 / 20. * 0.40 / 1e6
		// 2 roles, every 5 minutes.
		key = 2 * 730 * 12 * 0.03 / 1e4
		// A file a minute, less those that are full before: 100e6 × 1,197 bytes fill 891.8 of 128 MB.
		files = (730*60 - 100e6*1197/(128*1048576.)) * 0.005 / 1000
		// A batch every 10 s in 4 shards would be 1,051,200, of which 381,679 are full ones.
		more       = 4*730*3600/10. - 100*1e6/262.
		moreLambda = more * (0.20/1e6 + 0.005*0.25*0.0000133334)
		moreLog    = more * (1076 + 672) / gb * (0.50 + 0.03*2.4)
	)
	types := float64(eventTypes()-3) * 0.30 // of a catalogue that has grown
	near(t, "a month", sum(m.bill(shape{1024, 1, 1})).fixed, stream+metrics+types+alarms+polls+key+files+moreLambda+moreLog)
}

// A million events of 1,024 bytes in arrays of 100, provisioned, and in the chain of old.
func TestArrayByHand(t *testing.T) {
	const (
		gb      = 1073741824.
		records = 1e4
		api     = records * 3.50 / 1e6
		access  = records * 500 / gb * (0.50 + 0.03*2.4)
		// 100 × 1,024 bytes, 99 commas, 2 brackets, 173 of envelope: 102,674. With the key 102,690, which are 4.01 units of 25 KB: 5.
		put = records * 5 * 0.014 / 1e6
		// 102,674 / 5,120 = 20.05: 21 × 5 KB.
		ingestion  = records * 21 * 5120 / gb * 0.029
		conversion = records * 21 * 5120 / gb * 0.018
		// 3 records in 0.3 MB, 300 events: 300 × 36 × 1,769 / 256 = 74,630 µs, and 5 ms: 80 ms are paid for.
		invocations = records / 3.
		lambda      = invocations * (0.20/1e6 + 0.080*0.25*0.0000133334)
		log         = invocations * (1076 + 672) / gb * (0.50 + 0.03*2.4)
		puts        = records * 102674 / (128 * 1048576.) * 0.005 / 1000
		storage     = 1e6 * 512 / gb * 0.023
	)
	s := plain()
	s.onDemand, s.shards = false, 1
	m := &model{s, usEast(t), 100e6}
	got := sum(m.bill(shape{1024, 100, 1})).perMillion
	near(t, "provisioned", got, api+access+put+ingestion+conversion+lambda+log+puts+storage)
	if got >= 0.12 {
		t.Errorf("provisioned it is %.4f, not less than 0.12", got)
	}

	const (
		// A message of 102,501 bytes is 2 chunks of 64 KB to send. Ten are 15.6 chunks to receive, 16; and one request deletes them.
		sqs = 0.40 / 1e6 * (records*2 + records/10*(16+1))
		// Ten messages are 1,000 events: 1,000 × 36 × 1,769 / 128 = 497,531 µs, and 100 ms for the stream: 598 ms of 128 MB.
		consumer = records / 10 * (0.20/1e6 + 0.598*0.125*0.0000133334)
		itsLog   = records / 10 * (1076 + 672) / gb * (0.50 + 0.03*2.4)
		// 102,501 bytes are 5 units of 25 KB, and 21 × 5 KB.
		oldPut = records * 5 * 0.014 / 1e6
		tail   = records * 21 * 5120 / gb * (0.029 + 0.018)
	)
	near(t, "the old chain", sum(m.oldBill(shape{1024, 100, 1}, 10)).perMillion, api+access+sqs+consumer+itsLog+oldPut+tail+storage)
}

// Logs and traces of requests are the same in both: a parameter of theirs changes neither's lead.
func TestWhatBothHave(t *testing.T) {
	s := plain()
	lead := func() float64 {
		m := &model{s, usEast(t), 100e6}
		return sum(m.oldBill(shape{1024, 1, 1}, 10)).perMillion - sum(m.bill(shape{1024, 1, 1})).perMillion
	}
	was := lead()
	s.accessLine += 1000
	s.executionLog = true
	s.apiTraced, s.apiSampling = true, sampling{0, 0.5}
	near(t, "the lead", lead(), was)
}

// A larger event never costs less, whatever the rest. The transform's batches hold fewer events then, and a batch that ends just before a whole
// millisecond may be cheaper by one: so much is let pass.
func TestMonotonic(t *testing.T) {
	p := usEast(t)
	rapid.Check(t, func(t *rapid.T) {
		m := anyModel(t, p)
		s := anyShape(t)
		larger := s
		larger.size += rapid.IntRange(1, 5000).Draw(t, "more")
		small, large := m.bill(s), m.bill(larger)
		if a, b := sum(small).perMillion, sum(large).perMillion; b < a-0.001 {
			t.Errorf("%v costs %.6f, %v costs %.6f", s, a, larger, b)
		}
		for _, l := range append(small, large...) {
			if !(l.fixed >= 0) || !(l.perMillion >= 0) || math.IsInf(l.fixed+l.perMillion, 0) {
				t.Errorf("%v: %+v", s, l)
			}
		}
		if a, b := sum(m.oldBill(s, 10)).perMillion, sum(m.oldBill(larger, 10)).perMillion; b < a-1e-9 {
			t.Errorf("the old chain: %v costs %.6f, %v costs %.6f", s, a, larger, b)
		}
	})
}

// To put several arrays into one, or several records into one request, never costs more. The transform may: a batch of its may hold three records
// and only one of twice their size. That is less than what an array saves at the API, if a request is one record.
func TestBatchesAreNeverDearer(t *testing.T) {
	p := usEast(t)
	rapid.Check(t, func(t *rapid.T) {
		m := anyModel(t, p)
		s := anyShape(t)
		times := rapid.IntRange(2, 10).Draw(t, "times")
		arrays, records := s, s
		arrays.array *= times
		records.records *= times
		price := func(s shape, whole bool) float64 {
			lines := m.bill(s)
			if !whole {
				lines = slices.DeleteFunc(lines, func(l line) bool { return strings.Contains(l.what, "transform") })
			}
			return sum(lines).perMillion
		}
		compare := func(batch shape, whole bool) {
			if was, now := price(s, whole), price(batch, whole); batch.check() == nil && now > was+1e-9 {
				t.Errorf("%v costs %.6f, %v costs %.6f", s, was, batch, now)
			}
		}
		compare(arrays, s.records == 1)
		compare(records, true)
	})
}

// A further event on a provisioned stream costs no more than on one on demand.
func TestProvisionedIsNeverDearer(t *testing.T) {
	p := usEast(t)
	rapid.Check(t, func(t *rapid.T) {
		m := anyModel(t, p)
		s := anyShape(t)
		m.onDemand = true
		onDemand := sum(m.bill(s)).perMillion
		m.onDemand = false
		if provisioned := sum(m.bill(s)).perMillion; provisioned > onDemand {
			t.Errorf("%v costs %.6f provisioned, %.6f on demand", s, provisioned, onDemand)
		}
	})
}

func anyShape(t *rapid.T) shape {
	for {
		s := shape{rapid.IntRange(1, 110_000).Draw(t, "size"), rapid.IntRange(1, 500).Draw(t, "array"), rapid.SampledFrom([]int{1, 10, 100, 500}).Draw(t, "records")}
		if s.check() == nil {
			return s
		}
	}
}

func anyModel(t *rapid.T, p *prices) *model {
	s := plain()
	s.onDemand = rapid.Bool().Draw(t, "onDemand")
	s.retention = rapid.SampledFrom([]float64{24, 72, 168, 8760}).Draw(t, "retention")
	s.transform.memory = rapid.SampledFrom([]float64{0.125, 0.25, 1, 10}).Draw(t, "memory")
	s.transform.traced = rapid.Bool().Draw(t, "traced")
	s.transform.sampling = sampling{rapid.Float64Range(0, 10).Draw(t, "reservoir"), rapid.Float64Range(0, 1).Draw(t, "rate")}
	s.bufferBytes = rapid.Float64Range(0.2, 3).Draw(t, "buffer") * megabyte
	s.logDays = rapid.Float64Range(1, 3653).Draw(t, "logDays")
	return &model{s, p, rapid.Float64Range(1, 1e12).Draw(t, "monthly")}
}
