package main_test

import (
	"archive/zip"
	"io"
	"os"
	"path/filepath"
	"testing"

	"hydrant/functions/internal/runtimetest"
)

// From the start of the process to its first poll of the Runtime API, which is the init that Lambda waits for and bills; with X-Ray on.
func BenchmarkInit(b *testing.B) {
	runtimetest.BenchmarkInit(b, "POWERTOOLS_TRACE_ENABLED=true", "AWS_XRAY_DAEMON_ADDRESS=127.0.0.1:2000")
}

// The size of what is uploaded: the program in a zip file, for each architecture that Lambda has.
func BenchmarkZip(b *testing.B) {
	for _, architecture := range []string{"arm64", "amd64"} {
		b.Run(architecture, func(b *testing.B) {
			bootstrap, err := runtimetest.Build(b.TempDir(), architecture)
			if err != nil {
				b.Fatal(err)
			}
			info, err := os.Stat(bootstrap)
			if err != nil {
				b.Fatal(err)
			}
			var size int64
			for b.Loop() {
				size = zipped(b, bootstrap)
			}
			b.ReportMetric(float64(size)/1e6, "MB-zip")
			b.ReportMetric(float64(info.Size())/1e6, "MB-unzipped")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// zipped is how many bytes a file has in a zip file, as sam deploy makes it.
func zipped(b *testing.B, path string) int64 {
	file, err := os.Open(path)
	if err != nil {
		b.Fatal(err)
	}
	defer file.Close()
	var size counter
	archive := zip.NewWriter(&size)
	entry, err := archive.Create(filepath.Base(path))
	if err != nil {
		b.Fatal(err)
	}
	if _, err := io.Copy(entry, file); err != nil {
		b.Fatal(err)
	}
	if err := archive.Close(); err != nil {
		b.Fatal(err)
	}
	return int64(size)
}

type counter int64

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}
