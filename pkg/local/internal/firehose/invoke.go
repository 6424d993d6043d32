package firehose

import (
	"bytes"
	"context"
	"time"
)

// invokeTimeout is how long Firehose waits for the function, whatever the function's own timeout ("Data transformation": up to 5 minutes).
const invokeTimeout = 5 * time.Minute

// backoff is how long to wait after so many failed attempts. How Firehose spaces them is not documented.
func backoff(failures int) time.Duration {
	const first, most = 500 * time.Millisecond, 30 * time.Second
	if failures > 6 {
		return most
	}
	return min(most, first<<(failures-1))
}

// sleep waits, or answers the context's error.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// transform gives each of b's records its outcome and closes b.done. The error is the context's: then nothing is decided.
func (p *pipeline) transform(ctx context.Context, b *batch) error {
	if p.d.cfg.Transform == nil {
		b.passThrough()
	} else if err := p.invoke(ctx, b); err != nil {
		return err
	}
	close(b.done)
	return nil
}

// invoke calls the function until it answers or the retries are used up.
func (p *pipeline) invoke(ctx context.Context, b *batch) error {
	processor := p.d.cfg.Transform.qualifiedARN()
	for b.attempts = 1; ; b.attempts++ {
		answer, f := p.attempt(ctx, b)
		if err := ctx.Err(); err != nil {
			return err
		}
		b.ended = nowMillis()
		if f == nil {
			b.reusable = true
			if f = b.judge(answer); f != nil {
				p.d.log.write(f, processor)
			} else {
				p.logRecordFaults(b, processor)
			}
			return nil
		}
		p.d.log.write(f, processor)
		p.d.tally.update(func(s *Stats) { s.LastError = f.code + ": " + f.message })
		if b.attempts > p.d.cfg.Transform.Retries {
			b.failAll(f)
			return nil
		}
		if err := sleep(ctx, backoff(b.attempts)); err != nil {
			return err
		}
		// The failed invocation may still be reading the request.
		b.request = bytes.Clone(b.request)
	}
}

// attempt makes one invocation, under an id of its own.
func (p *pipeline) attempt(ctx context.Context, b *batch) ([]byte, *fault) {
	copy(b.request[p.d.invocationIDAt:], newUUID())
	p.d.tally.update(func(s *Stats) {
		s.Invocations++
		if b.attempts > 1 {
			s.Retries++
		}
	})
	ctx, cancel := context.WithTimeout(ctx, invokeTimeout)
	defer cancel()
	answer, functionError, err := p.d.invoker.Invoke(ctx, p.d.cfg.Transform.FunctionARN, b.request)
	return answer, invokeFault(answer, functionError, err)
}

// logRecordFaults logs each fault that single records have, once. That the function called a record ProcessingFailed is no fault of
// Firehose's: the guide leaves logging it to the function.
func (p *pipeline) logRecordFaults(b *batch, processor string) {
	for _, f := range []*fault{faultMissing, faultDuplicated, faultNoData} {
		for i := range b.records {
			if b.records[i].fault == f {
				p.d.log.write(f, processor)
				break
			}
		}
	}
}

// passThrough delivers every record as it is, for a delivery stream without a function.
func (b *batch) passThrough() {
	b.reusable = true
	for i := range b.records {
		r := &b.records[i]
		raw := r.raw.of(b.request)
		start := len(b.decoded)
		b.decoded, _ = appendDecoded(b.decoded, raw) // what appendBase64 wrote
		r.answered, r.outcome, r.data = true, delivered, span{start, len(b.decoded)}
	}
}
