// Package s3 keeps buckets as folders of plain files behind a real S3 server, versitygw. The server runs in a process of its own, since it
// changes its working folder and holds package globals, and is reached over a Unix socket.
package s3

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/versity/versitygw/backend/meta"
	"github.com/versity/versitygw/backend/posix"
	"github.com/versity/versitygw/embedgw"
)

// Config says where a server keeps its buckets, and who may sign requests to it.
type Config struct {
	Dir                  string // objects lie under s3/<bucket>/<key>, what S3 keeps beside an object's bytes under meta/
	Region               string
	AccessKey, SecretKey string
}

// healthPath answers 200 as soon as the server serves. No bucket can have this name.
const healthPath = "/-healthy"

// Serve is the whole of the server's process. It serves until its standard input ends, which it does when the runner ends, however
// that may happen.
func Serve(c Config, socket string, input io.Reader) error {
	objects, sidecar := filepath.Join(c.Dir, "s3"), filepath.Join(c.Dir, "meta")
	if err := errors.Join(os.MkdirAll(objects, 0o755), os.MkdirAll(sidecar, 0o755)); err != nil {
		return err
	}
	// Sidecar files instead of extended attributes: those are missing on tmpfs and some container file systems.
	store, err := meta.NewSideCar(sidecar)
	if err != nil {
		return err
	}
	backend, err := posix.New(objects, store, posix.PosixOpts{
		SideCarDir: sidecar, ValidateBucketNames: true, CopyObjectThreshold: 5 << 30, // "CopyObject": up to 5 GB
		ForceNoTmpFile:     true, // O_TMPFILE is missing on some file systems
		ForceNoObjLockFile: true, // there is one server: its own locks do, and no lock files lie among the objects
	})
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(context.Background())
	go func() {
		_, _ = io.Copy(io.Discard, input)
		stop()
	}()
	err = embedgw.RunVersityGW(ctx, backend, &embedgw.Config{
		RootUserAccess: c.AccessKey, RootUserSecret: c.SecretKey, Region: c.Region, Ports: []string{socket},
		MaxConnections: 256, MaxRequests: 256, MultipartMaxParts: 10_000, Quiet: true, KeepAlive: true, HealthPath: healthPath,
	})
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// Server is a running server process, as the runner sees it.
type Server struct {
	config    Config
	folder    string // of the socket
	socket    string
	input     io.Closer
	exited    chan struct{}
	output    *tail
	transport *http.Transport
}

// Start runs command, which must call Serve, with the socket's path as its last argument, and waits until it serves.
func Start(ctx context.Context, c Config, command []string) (*Server, error) {
	// A socket's path has little room (some 100 bytes): it lies in the system's temporary folder, not under Dir.
	folder, err := os.MkdirTemp("", "hydrant")
	if err != nil {
		return nil, err
	}
	s := &Server{config: c, folder: folder, socket: filepath.Join(folder, "s3"), exited: make(chan struct{}), output: &tail{}}
	s.transport = &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			conn, err := new(net.Dialer).DialContext(ctx, "unix", s.socket)
			if err != nil {
				return nil, err
			}
			return hearing{conn}, nil
		},
		MaxIdleConnsPerHost: 16, DisableCompression: true,
	}
	cmd := exec.Command(command[0], append(command[1:], s.socket)...)
	cmd.Stdout, cmd.Stderr = s.output, s.output
	if s.input, err = cmd.StdinPipe(); err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("starting the S3 server: %w", err), os.RemoveAll(folder))
	}
	go func() {
		_ = cmd.Wait() // how it ended stands in its output
		close(s.exited)
	}()
	if err := s.wait(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *Server) wait(ctx context.Context) error {
	client := &http.Client{Transport: s.transport}
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://s3"+healthPath, nil)
		if err != nil {
			return err
		}
		if response, err := client.Do(request); err == nil {
			_ = response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-tick.C:
		case <-s.exited:
			return fmt.Errorf("the S3 server ended at once: %s", s.output)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Exited is closed when the server's process has ended, wanted or not.
func (s *Server) Exited() <-chan struct{} { return s.exited }

// Close ends the server and waits for it. One that has ended unasked is no error here.
func (s *Server) Close() error {
	err := s.input.Close()
	if errors.Is(err, os.ErrClosed) {
		err = nil
	}
	<-s.exited
	s.transport.CloseIdleConnections()
	return errors.Join(err, os.RemoveAll(s.folder))
}

// Transport reaches the server.
func (s *Server) Transport() http.RoundTripper { return oneBody{s.transport} }

// oneBody uses no connection again that had a request with a body. Where the server refuses one without reading its body, it takes what is left
// of that for another request, and the next one on the connection gets the answer: 400.
type oneBody struct{ next http.RoundTripper }

func (t oneBody) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil && r.Body != http.NoBody {
		r = r.WithContext(r.Context()) // a copy
		r.Close = true
	}
	return t.next.RoundTrip(r)
}

// hearing is a connection on which the server's answer is heard, even if it had closed the connection before all of the request was written.
// If there is no answer, reading says so.
type hearing struct{ net.Conn }

func (c hearing) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	if errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET) {
		return len(p), nil
	}
	return n, err
}

// Access is a way to the server, which may lead through other transports than its own.
type Access struct {
	config    Config
	transport http.RoundTripper
}

// Through answers the way to the server over t.
func (s *Server) Through(t http.RoundTripper) Access { return Access{s.config, t} }

// Handler is Access.Handler straight to the server.
func (s *Server) Handler() http.Handler { return s.Through(s.Transport()).Handler() }

// Client is Access.Client straight to the server.
func (s *Server) Client() (*Client, error) { return s.Through(s.Transport()).Client() }

// Handler passes requests on to the server as they came: the Host header is part of what a client signed.
func (a Access) Handler() http.Handler {
	return &httputil.ReverseProxy{
		Transport: a.transport,
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme, r.Out.URL.Host = "http", "s3"
			r.Out.Host = r.In.Host
		},
		FlushInterval: -1,
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) {
			http.Error(w, `<Error><Code>ServiceUnavailable</Code><Message>The local S3 server does not answer.</Message></Error>`, http.StatusServiceUnavailable)
		},
	}
}

// tail keeps the end of what a process printed.
type tail struct{ text string }

func (t *tail) Write(p []byte) (int, error) {
	t.text += string(p)
	if n := len(t.text) - 2000; n > 0 {
		t.text = t.text[n:]
	}
	return len(p), nil
}

func (t *tail) String() string { return strings.TrimSpace(t.text) }
