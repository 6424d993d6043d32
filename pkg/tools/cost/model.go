package main

import (
	"math"
)

// model prices a stack.
type model struct {
	*stack
	*prices
	monthly float64 // events a month: for what is paid by time, or by time where there is little traffic
}

// line is a part of the bill: what stands whether events come or not, and what each further million of events adds.
type line struct {
	service, what string
	fixed         float64  // USD a month
	perMillion    float64  // USD
	prices        []string // what it leans on
}

// What the model takes to be so, beside prices and template.
const (
	hoursPerMonth   = 730
	secondsPerMonth = hoursPerMonth * 3600
	daysPerMonth    = hoursPerMonth / 24.

	// logOverhead is what CloudWatch Logs counts for each line beside its bytes ("Amazon CloudWatch Logs quotas").
	logOverhead = 26
	// platformBytes are Lambda's own lines of an invocation, platform.start and platform.report in JSON with a trace id.
	platformBytes, platformLines = 620, 2
	// executionBytes are API Gateway's own lines of a request at the level INFO, without bodies.
	executionBytes, executionLines = 4000, 20
	// metricsLine is the transform's line of a batch, in the embedded metric format; TestArrayFromPostToParquet compares it with a real one.
	metricsLine = 1050
	// transformMetrics are those of every batch, to which comes one for each event type. A metric costs by the hours in which it has a
	// value: it is taken to have one in all.
	transformMetrics = 10
	// authorizerMetrics are those of every decision, and a few of refreshed keys.
	authorizerMetrics = 10

	// What the transform takes of a whole core, in µs: for an event, and for each KB of it (docs/performance.md: 9 to 12 µs for events of
	// 1 KB, 16 to 18 µs a KB for large ones that are all unknown fields; make bench). The larger of the two is taken.
	eventMicroseconds, kilobyteMicroseconds = 12, 18
	// slowCore is how many times as long an arm64 core of Lambda's is taken to need. Nobody has measured that; it is meant to be too much.
	slowCore = 2
	// wholeCore is the memory in GB with which a function has one core ("Configure Lambda function memory": 1,769 MB).
	wholeCore = 1769. / 1024
	// invocationMilliseconds are for everything around the events: taking the request, handing over the answer, X-Ray.
	invocationMilliseconds = 5
	// authorizerMilliseconds are an authorizer's, which verifies a signature.
	authorizerMilliseconds = 10
	// tokens is how many callers the authorizer knows at any time: each is asked for once in AuthorizerTtl.
	tokens = 100

	// parquetShare is what an event's row takes in a Parquet file, as a share of the event's JSON. It depends on the events.
	parquetShare = 0.5

	// pollers and pollSeconds: Lambda polls a queue that is empty with five long polls of 20 s at a time.
	pollers, pollSeconds = 5, 20
	// keyRequests are those of one role that uses the stream: one every five minutes ("Costs, Regions, and performance considerations").
	keyRequests = hoursPerMonth * 12
)

func roundUp(bytes, to int) float64 { return float64((bytes + to - 1) / to * to) }

// log is the price of a line of so many bytes, kept as long as the stack keeps logs.
func (m *model) log(bytes float64) float64 {
	return (bytes + logOverhead) * (m.of("logs.ingestion") + m.of("logs.storage")*m.logDays/daysPerMonth)
}

var logPrices = []string{"logs.ingestion", "logs.storage"}

// lambda is the price of one invocation: whole milliseconds are paid for ("AWS Lambda Pricing").
func (m *model) lambda(f function, milliseconds float64) float64 {
	return m.of("lambda.request") + math.Ceil(milliseconds)/1e3*f.memory*m.of(f.architecture)
}

// milliseconds is how long a function with so much memory needs for n events.
func milliseconds(memory float64, n float64, size int) float64 {
	core := max(eventMicroseconds, kilobyteMicroseconds*float64(size)/1024)
	return n * core / 1e3 * slowCore / min(memory/wholeCore, 1)
}

// bill is what this design costs with events of this shape.
func (m *model) bill(s shape) []line {
	requests := 1e6 / float64(s.events()) // of a million events
	records := 1e6 / float64(s.array)
	lines := m.edgeLines(requests)
	lines = append(lines, m.authorizerLines(requests)...)
	lines = append(lines, m.streamLines(records, float64(s.recordBytes()), s.putBytes())...)
	transform, invocations := m.transformLines(s, records)
	lines = append(lines, transform...)
	lines = append(lines, m.deliveryLines(records, s)...)
	lines = append(lines, m.traceLines(requests, invocations)...)
	return append(lines, m.fixedLines()...)
}

// edgeLines are the API's and its logs', for so many requests.
func (m *model) edgeLines(requests float64) []line {
	lines := []line{{service: "API Gateway", what: "requests", perMillion: requests * m.of("apigateway.request"), prices: []string{"apigateway.request"}}}
	if m.accessLine > 0 {
		lines = append(lines, line{service: "CloudWatch Logs", what: "access log", perMillion: requests * m.log(float64(m.accessLine)), prices: logPrices})
	}
	if m.executionLog {
		each := executionLines * m.log(executionBytes/executionLines)
		lines = append(lines, line{service: "CloudWatch Logs", what: "API Gateway's own log", perMillion: requests * each, prices: logPrices})
	}
	return lines
}

// millions is how many millions of events there are in a month.
func (m *model) millions() float64 { return m.monthly / 1e6 }

func (m *model) authorizerLines(requests float64) []line {
	if m.authorizer == nil {
		return nil
	}
	each := m.lambda(*m.authorizer, authorizerMilliseconds) + m.functionLog(*m.authorizer)
	l := line{service: "Lambda", what: "authorizer and its log", prices: append([]string{"lambda.request", m.authorizer.architecture}, logPrices...)}
	perMillion, more := m.asked(requests)
	l.perMillion, l.fixed = perMillion*each, more*each
	return []line{l, m.metrics("authorizer's metrics", authorizerMetrics)}
}

// asked is how often the authorizer is asked for a million of events, and in a month beside that: each caller once in the time that an answer is
// kept, or for each request if none is.
func (m *model) asked(requests float64) (perMillion, more float64) {
	if m.authorizerTTL > 0 {
		return 0, min(tokens*secondsPerMonth/m.authorizerTTL, requests*m.millions())
	}
	return requests, 0
}

// functionLog is the log of one invocation that goes well.
func (m *model) functionLog(f function) float64 {
	total := m.log(metricsLine)
	if f.platformLog {
		total += platformLines * m.log(platformBytes/platformLines)
	}
	return total
}

func (m *model) metrics(what string, n int) line {
	return line{service: "CloudWatch", what: what, fixed: float64(n) * m.of("cloudwatch.metric"), prices: []string{"cloudwatch.metric"}}
}

// streamLines are the stream's, for so many records of so many bytes; putBytes is what it counts of one on its way in.
func (m *model) streamLines(records, recordBytes float64, putBytes int) []line {
	const service = "Kinesis"
	var lines []line
	// Kept beyond the first 24 hours, up to 7 days, and beyond those; as a share of a month.
	week := max(min(m.retention, 7*24)-24, 0) / hoursPerMonth
	long := max(m.retention-7*24, 0) / hoursPerMonth
	bytes := records * recordBytes
	if m.onDemand {
		lines = append(lines,
			line{service: service, what: "data in, each record rounded up to 1 KB", perMillion: records * roundUp(putBytes, 1024) * m.of("kinesis.on_demand.in"), prices: []string{"kinesis.on_demand.in"}},
			line{service: service, what: "data out, to Firehose", perMillion: bytes * m.of("kinesis.on_demand.out"), prices: []string{"kinesis.on_demand.out"}},
		)
		if week > 0 {
			lines = append(lines, line{service: service, what: "retention up to 7 days", perMillion: bytes * week * m.of("kinesis.on_demand.week"), prices: []string{"kinesis.on_demand.week"}})
		}
		if m.ownStream {
			lines = append(lines, line{service: service, what: "stream, by the hour", fixed: hoursPerMonth * m.of("kinesis.on_demand.stream"), prices: []string{"kinesis.on_demand.stream"}})
		}
	} else {
		lines = append(lines, line{service: service, what: "PUT units of 25 KB", perMillion: records * math.Ceil(float64(putBytes)/25600) * m.of("kinesis.put"), prices: []string{"kinesis.put"}})
		if m.ownStream {
			lines = append(lines, line{service: service, what: "shards, by the hour", fixed: float64(m.shards) * hoursPerMonth * m.of("kinesis.shard"), prices: []string{"kinesis.shard"}})
		}
		if week > 0 && m.ownStream {
			lines = append(lines, line{service: service, what: "retention up to 7 days, by the hour", fixed: float64(m.shards) * hoursPerMonth * m.of("kinesis.shard.week"), prices: []string{"kinesis.shard.week"}})
		}
	}
	if long > 0 {
		lines = append(lines, line{service: service, what: "retention beyond 7 days", perMillion: bytes * long * m.of("kinesis.long"), prices: []string{"kinesis.long"}})
	}
	return lines
}

// batches is how many invocations of the transform a million of events takes when its batches are full, and how many more there are in a month
// because a batch waits for bufferSeconds at most, in each shard that has records.
func (m *model) batches(s shape, records float64) (perMillion, more float64) {
	perMillion = records / max(math.Floor(m.bufferBytes/float64(s.recordBytes())), 1)
	byTime := min(float64(m.shards)*secondsPerMonth/m.bufferSeconds, records*m.millions())
	return perMillion, max(byTime-perMillion*m.millions(), 0)
}

func (m *model) transformLines(s shape, records float64) (lines []line, invocations [2]float64) {
	perMillion, more := m.batches(s, records)
	full := invocationMilliseconds + milliseconds(m.transform.memory, 1e6/perMillion, s.size)
	lambda := line{
		service: "Lambda", what: "transform", prices: []string{"lambda.request", m.transform.architecture},
		perMillion: perMillion * m.lambda(m.transform, full), fixed: more * m.lambda(m.transform, invocationMilliseconds),
	}
	each := m.functionLog(m.transform)
	log := line{service: "CloudWatch Logs", what: "transform's log", perMillion: perMillion * each, fixed: more * each, prices: logPrices}
	return []line{lambda, log}, [2]float64{perMillion, more}
}

func (m *model) deliveryLines(records float64, s shape) []line {
	const service = "Firehose"
	gathered := records * roundUp(s.recordBytes(), 5120)
	lines := []line{{service: service, what: "ingestion, each record rounded up to 5 KB", perMillion: gathered * m.of("firehose.ingestion"), prices: []string{"firehose.ingestion"}}}
	if m.conversion {
		lines = append(lines, line{service: service, what: "conversion to Parquet, of the same", perMillion: gathered * m.of("firehose.conversion"), prices: []string{"firehose.conversion"}})
	}
	bytes := records * float64(s.recordBytes())
	files := bytes / m.deliveryBytes                                              // of a million events, by size
	more := max(min(secondsPerMonth/m.delivery, m.monthly)-files*m.millions(), 0) // by time
	stored := 1e6 * float64(s.size) * parquetShare
	copies := 1.
	if m.sourceBackup {
		copies, stored = 2, stored+bytes
	}
	return append(lines,
		line{service: "S3", what: "PUTs of files", perMillion: copies * files * m.of("s3.put"), fixed: copies * more * m.of("s3.put"), prices: []string{"s3.put"}},
		line{service: "S3", what: "storage, for each month that they are kept", perMillion: stored * m.of("s3.storage"), prices: []string{"s3.storage"}},
	)
}

// traceLines are X-Ray's. What a rule takes up to its so many a second is paid for at any traffic that reaches it.
func (m *model) traceLines(requests float64, invocations [2]float64) []line {
	trace := func(what string, rule sampling, perMillion, more float64) line {
		all := perMillion*m.millions() + more
		reserved := min(rule.perSecond*secondsPerMonth, all)
		return line{
			service: "X-Ray", what: what, prices: []string{"xray.trace"},
			perMillion: perMillion * rule.share * m.of("xray.trace"), fixed: (reserved*(1-rule.share) + more*rule.share) * m.of("xray.trace"),
		}
	}
	var lines []line
	if m.apiTraced {
		lines = append(lines, trace("traces of requests", m.apiSampling, requests, 0))
	}
	if a := m.authorizer; a != nil && a.traced && !m.apiTraced { // or else it is part of the request's
		perMillion, more := m.asked(requests)
		lines = append(lines, trace("traces of the authorizer", a.sampling, perMillion, more))
	}
	if m.transform.traced {
		lines = append(lines, trace("traces of the transform", m.transform.sampling, invocations[0], invocations[1]))
	}
	return lines
}

// fixedLines are paid by the month, whether events come or not.
func (m *model) fixedLines() []line {
	lines := []line{m.metrics("transform's metrics", transformMetrics+eventTypes())}
	add := func(service, what, key string, n float64) {
		if n > 0 {
			lines = append(lines, line{service: service, what: what, fixed: n * m.of(key), prices: []string{key}})
		}
	}
	add("CloudWatch", "alarms", "cloudwatch.alarm", float64(m.alarmMetrics))
	add("CloudWatch", "alarms with periods below a minute", "cloudwatch.alarm.fast", float64(m.fastAlarmMetrics))
	add("CloudWatch", "composite alarms", "cloudwatch.composite", float64(m.compositeAlarms))
	add("CloudWatch", "dashboards", "cloudwatch.dashboard", float64(m.dashboards))
	add("CloudWatch", "metrics of log filters", "cloudwatch.metric", float64(m.metricFilters))
	add("SQS", "polls of empty queues", "sqs.request", float64(m.polledQueues)*pollers*secondsPerMonth/pollSeconds)
	if m.ownStream {
		add("KMS", "requests for the stream's key", "kms.request", float64(m.keyUsers)*keyRequests)
	}
	add("KMS", "keys", "kms.key", float64(m.keys))
	add("Secrets Manager", "secrets", "secrets.secret", float64(m.secrets))
	return lines
}

// sum adds a bill up.
func sum(lines []line) (total line) {
	for _, l := range lines {
		total.fixed += l.fixed
		total.perMillion += l.perMillion
	}
	return total
}

// unverified says whether a line leans on a price that is only remembered.
func (p *prices) unverified(l line) bool {
	for _, key := range l.prices {
		if p.Price[key].Sure == memory {
			return true
		}
	}
	return false
}

// unverifiedShare is how much of what a further million of events costs leans on remembered prices.
func (p *prices) unverifiedShare(lines []line) float64 {
	var part float64
	for _, l := range lines {
		if p.unverified(l) {
			part += l.perMillion
		}
	}
	if part == 0 {
		return 0
	}
	return part / sum(lines).perMillion
}

// shardsNeeded is how many shards take the traffic, if at most it is so many times as much as on average. A shard takes 1,000 records and
// 1 MiB a second.
func (m *model) shardsNeeded(s shape, peak float64) int {
	perSecond := m.monthly / float64(s.array) / secondsPerMonth * peak
	return int(max(math.Ceil(perSecond/1000), math.Ceil(perSecond*float64(s.putBytes())/megabyte), 1))
}
