package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"hydrant/pkg/local/internal/apigateway"
	"hydrant/pkg/local/internal/firehose"
	"hydrant/pkg/local/internal/kinesis"
	"hydrant/pkg/local/internal/lambda"
	"hydrant/pkg/local/internal/logs"
	"hydrant/pkg/local/internal/s3"
	"hydrant/pkg/local/internal/secrets"
	"hydrant/pkg/local/internal/stack"
)

const accountID = "000000000000"

func region() string {
	if r := os.Getenv("AWS_REGION"); r != "" {
		return r
	}
	return "eu-west-1"
}

// account is where the stack lies, with the AWS services at a URL.
func account(awsURL string) stack.Account {
	return stack.Account{ID: accountID, Region: region(), Partition: "aws", URLSuffix: "amazonaws.com", StackName: "hydrant-local", QueueURL: awsURL}
}

func s3Config(dir string) s3.Config {
	return s3.Config{Dir: dir, Region: region(), AccessKey: accessKey, SecretKey: secretKey}
}

// runner holds the running services.
type runner struct {
	options *options
	stderr  io.Writer
	stack   *stack.Stack
	apiURL  string // with the stage
	awsURL  string

	logs    *logs.Store
	kinesis *kinesis.Service
	lambda  *lambda.Service
	s3      *s3.Server
	objects *s3.Client // the runner's own look at the buckets, which no fault and no notification concerns
	messaging
	secrets    *secrets.Service
	api        *apigateway.API
	deliveries map[string]*firehose.DeliveryStream // by logical id; their backups by backupOf it
	servers    []*http.Server
	status     *status

	fatal     chan error // what ends the runner
	running   sync.WaitGroup
	resetting sync.Mutex
	halt      context.CancelFunc // ends the deliveries
	closers   []func() error
}

// start brings everything up, in the order in which one needs another. What is up when something fails is taken down again.
func start(ctx context.Context, o *options, stderr io.Writer) (_ *runner, err error) {
	overrides, err := o.overrides()
	if err != nil {
		return nil, err
	}
	r := &runner{options: o, stderr: stderr, deliveries: map[string]*firehose.DeliveryStream{}, fatal: make(chan error, 8)}
	defer func() {
		if err != nil {
			err = errors.Join(err, r.close())
		}
	}()
	awsListener, err := r.listenOn("-aws", o.aws)
	if err != nil {
		return nil, err
	}
	r.awsURL = "http://" + awsListener.Addr().String()
	if r.stack, err = stack.Load(o.template, overrides, account(r.awsURL)); err != nil {
		return nil, err
	}
	apiListener, err := r.listenAPI()
	if err != nil {
		return nil, err
	}
	if err := r.openData(); err != nil {
		return nil, err
	}
	if err := r.startS3(ctx); err != nil {
		return nil, err
	}
	if err := r.buildFunctions(ctx); err != nil {
		return nil, err
	}
	if err := r.startServices(); err != nil {
		return nil, err
	}
	if err := r.makeBuckets(ctx); err != nil {
		return nil, err
	}
	if err := r.startMessaging(); err != nil {
		return nil, err
	}
	r.startDeliveries()
	r.serve(awsListener, guard(r.awsHandler(), o.aws))
	if apiListener != nil {
		r.serve(apiListener, r.api)
	}
	return r, nil
}

// tell says something to whoever sits in front of the runner.
func (r *runner) tell(format string, args ...any) {
	if !r.options.quiet {
		fmt.Fprintf(r.stderr, format+"\n", args...)
	}
}

// onceASecond answers a function that prints what it is given, and passes over what comes within a second of the last.
func (r *runner) onceASecond() func(message string) {
	var mu sync.Mutex
	var last time.Time
	return func(message string) {
		mu.Lock()
		defer mu.Unlock()
		if time.Since(last) > time.Second {
			last = time.Now()
			fmt.Fprintln(r.stderr, message)
		}
	}
}

// later notes what close has to undo, last things first.
func (r *runner) later(undo func() error) { r.closers = append(r.closers, undo) }

func (r *runner) close() error {
	var err error
	for i := len(r.closers) - 1; i >= 0; i-- {
		err = errors.Join(err, r.closers[i]())
	}
	r.closers = nil
	return err
}

// listenAPI takes the API's port, if the template has one: a second runner shall fail before it touches anything.
func (r *runner) listenAPI() (net.Listener, error) {
	if r.stack.API == nil {
		return nil, nil
	}
	api, err := r.listenOn("-api", r.options.api)
	if err == nil {
		r.apiURL = "http://" + api.Addr().String() + "/" + r.stack.API.Stage
	}
	return api, err
}

func (r *runner) listenOn(flag, address string) (net.Listener, error) {
	listener, err := net.Listen("tcp", address)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("%s %s is in use, perhaps by another runner: stop that one, or take other addresses and another folder: make run DATA=.hydrant/second ARGS=\"-api 127.0.0.1:0 -aws 127.0.0.1:0\"", flag, address)
	}
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", flag, address, err)
	}
	r.later(func() error {
		if err := listener.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			return err
		}
		return nil
	})
	return listener, nil
}

// The form of the data folder. A change that older folders do not fit gets another number.
const dataVersion = "hydrant data 1\n"

func (r *runner) openData() error {
	dir := r.options.data
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("-data %s: %w", dir, err)
	}
	path := filepath.Join(dir, "version")
	version, err := os.ReadFile(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		if err := os.WriteFile(path, []byte(dataVersion), 0o644); err != nil {
			return fmt.Errorf("-data %s: %w", dir, err)
		}
	case err != nil:
		return fmt.Errorf("-data %s: %w", dir, err)
	case string(version) != dataVersion:
		return fmt.Errorf("-data %s was made by another version of hydrant: remove it, or give -data another folder", dir)
	}
	if r.logs, err = logs.Open(filepath.Join(dir, "logs")); err != nil {
		return err
	}
	r.later(r.logs.Close)
	// It locks its folder, and with it the whole: no second runner goes past this.
	r.kinesis, err = kinesis.Open(kinesis.Config{Dir: filepath.Join(dir, "kinesis"), AccountID: accountID, Region: region(), Streams: r.stack.Streams})
	if err != nil {
		return err
	}
	r.later(r.kinesis.Close)
	for _, name := range r.stack.Existing {
		r.tell("the stream %s is not the template's: here it is one of this folder's", name)
	}
	r.makeFaults()
	r.puts = r.faults.WrapKinesis(r.kinesis)
	return r.openQueues()
}

func (r *runner) startS3(ctx context.Context) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	if r.s3, err = s3.Start(ctx, s3Config(r.options.data), []string{self, serveS3, r.options.data}); err != nil {
		return err
	}
	r.later(r.s3.Close)
	if r.objects, err = r.s3.Client(); err != nil {
		return err
	}
	return r.openNotifier()
}

func (r *runner) buildFunctions(ctx context.Context) error {
	for i := range r.stack.Functions {
		f := &r.stack.Functions[i]
		f.Dir = filepath.Join(r.options.build, f.LogicalID)
		built, err := lambda.Build(ctx, f.LogicalID, f.CodeURI, f.Dir)
		if err != nil {
			return err
		}
		if built {
			r.tell("built %s", f.LogicalID)
		}
	}
	return nil
}

func (r *runner) startServices() error {
	functions := make([]lambda.Function, len(r.stack.Functions))
	for i, f := range r.stack.Functions {
		functions[i] = f.Function
	}
	r.lambda = lambda.New(lambda.Config{
		Region: region(), EndpointURL: r.awsURL, Log: r.log, Functions: functions, Event: r.acceptEvent,
		Credentials: functionCredentials, Trouble: r.onceASecond(),
	})
	r.later(func() error { r.lambda.Close(); return nil })
	var err error
	if r.secrets, err = secrets.Open(secrets.Config{Dir: filepath.Join(r.options.data, "secrets"), Secrets: r.stack.Secrets}); err != nil {
		return err
	}
	r.makeMessaging()

	for _, d := range r.stack.Deliveries {
		d.Dir = filepath.Join(r.options.data, "firehose", d.Name)
		if d.Convert != nil {
			d.Convert.Table = r.faults.WrapTable(d.Convert.Table)
		}
		if err := r.openDelivery(d.LogicalID, d.Config); err != nil {
			return d.Errorf("%v", err)
		}
		if d.Backup != nil {
			d.Backup.Dir = filepath.Join(d.Dir, "backup")
			if err := r.openDelivery(backupOf(d.LogicalID), *d.Backup); err != nil {
				return d.Errorf("S3BackupConfiguration: %v", err)
			}
		}
	}
	if r.stack.API == nil {
		return nil
	}
	api := r.stack.API.Config
	api.Callers, api.Functions = callers, r.lambda
	if group := r.stack.API.AccessLogGroup; group != "" {
		api.AccessLog = func(line string) { r.log(group, "access", time.Now(), line) }
	}
	api.ExecutionLog = func(requestID, message string) {
		r.log("API-Gateway-Execution-Logs_"+api.ID+"/"+api.Stage, "execution", time.Now(), "("+requestID+") "+message)
	}
	r.api, err = apigateway.New(api, backend{r.puts})
	return err
}

// backupOf names the backup of a delivery stream among the counts. No logical id has a full stop in it.
func backupOf(logicalID string) string { return logicalID + ".S3Backup" }

func (r *runner) openDelivery(name string, c firehose.Config) error {
	source, _ := r.kinesis.Stream(c.StreamName) // the stack has seen to it
	c.Trouble = func(err error) {
		fmt.Fprintf(r.stderr, "%s: cannot deliver, and goes on trying: %v\n", name, err)
	}
	delivery, err := firehose.New(c, source, r.invoker, r.writer, subscribedLogs{r})
	if err == nil {
		r.deliveries[name] = delivery
	}
	return err
}

// log keeps a line. A log that cannot be written ends the runner: the disk is full or gone.
func (r *runner) log(group, stream string, at time.Time, message string) {
	if err := (subscribedLogs{r}).Put(group, stream, at, message); err != nil {
		r.fail(err)
	}
}

// fail has the runner end with err. One reason is enough.
func (r *runner) fail(err error) {
	select {
	case r.fatal <- err:
	default:
	}
}

func (r *runner) makeBuckets(ctx context.Context) error {
	for _, bucket := range r.stack.Buckets {
		if err := r.objects.EnsureBucket(ctx, bucket); err != nil {
			return err
		}
	}
	return nil
}

func (r *runner) startDeliveries() {
	ctx, halt := context.WithCancel(context.Background())
	r.halt = halt
	for _, d := range r.deliveries {
		r.running.Go(func() {
			if err := d.Run(ctx); err != nil {
				r.fail(err)
			}
		})
	}
	r.later(func() error {
		halt()
		r.running.Wait()
		return nil
	})
}

func (r *runner) serve(l net.Listener, h http.Handler) {
	server := &http.Server{Handler: h, ReadHeaderTimeout: 30 * time.Second}
	r.servers = append(r.servers, server)
	go func() {
		if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			r.fail(err)
		}
	}()
	r.later(server.Close)
}

// wait returns when ctx ends, or with the error that ends the runner.
func (r *runner) wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case err := <-r.fatal:
		return err
	case <-r.s3.Exited():
		return errors.New("the S3 server ended unasked")
	}
}

// kept says where accepted records are that were not delivered.
func (r *runner) kept(err error) error {
	return fmt.Errorf("%w: what is not delivered stays in %s, and the next start goes on with it", err, r.options.data)
}

// shutdown takes no more requests, delivers what is buffered, and ends everything.
func (r *runner) shutdown() error {
	r.status.stop()
	r.tell("ending: delivering what is buffered")
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	for _, server := range r.servers[1:] { // the API's; functions and S3 clients still need the other one
		if err := server.Shutdown(ctx); err != nil {
			fmt.Fprintln(r.stderr, "requests were cut off:", err)
		}
	}
	flushed, cancelFlush := context.WithTimeout(context.Background(), time.Minute)
	defer cancelFlush()
	err := r.flush(flushed, false)
	if err != nil {
		err = r.kept(err)
	}
	r.tell("%s", r.summary())
	r.stopConsumers() // while their functions can still reach the services
	return errors.Join(err, r.close())
}
