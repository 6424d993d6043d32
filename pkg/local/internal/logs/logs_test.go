package logs

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

func messages(t *testing.T, s *Store, group string) []string {
	t.Helper()
	var got []string
	if err := s.Read(group, func(e Event) error {
		got = append(got, e.Stream+":"+e.Message)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return got
}

func put(t *testing.T, s *Store, group, stream, message string) {
	t.Helper()
	if err := s.Put(group, stream, time.UnixMilli(1763803800123), message); err != nil {
		t.Fatal(err)
	}
}

func open(t *testing.T, dir string) *Store {
	t.Helper()
	s, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func TestEventsOfAGroupReadBackAfterARestart(t *testing.T) {
	dir := t.TempDir() + "/[odd]*name"
	s := open(t, dir)
	put(t, s, "/aws/a", "one/[$LATEST]x", "first")
	put(t, s, "/aws/a", "two", "second\nwith a line break")
	put(t, s, "/aws/b", "one", "another group")
	put(t, open(t, dir), "/aws/a", "two", "after a restart")
	want := []string{"one/[$LATEST]x:first", "two:second\nwith a line break", "two:after a restart"}
	if got := messages(t, s, "/aws/a"); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if err := s.Reset(); err != nil {
		t.Fatal(err)
	}
	if got := messages(t, s, "/aws/a"); len(got) != 0 {
		t.Errorf("after a reset: %q", got)
	}
	put(t, s, "/aws/a", "two", "goes on")
	if got := messages(t, s, "/aws/a"); len(got) != 1 {
		t.Errorf("got %q, want the one event put after the reset", got)
	}
}

func TestALineCutOffByACrashCostsNoOther(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	put(t, s, "g", "s", "whole")
	f, err := os.OpenFile(s.path("g", "s"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(`{"logGroup":"g","mess`); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	put(t, open(t, dir), "g", "s", "next")
	if got := messages(t, s, "g"); fmt.Sprint(got) != "[s:whole s:next]" {
		t.Errorf("got %q", got)
	}
}

func TestAStreamIsBounded(t *testing.T) {
	s := open(t, t.TempDir())
	s.limit = 1000
	for i := range 100 {
		put(t, s, "g", "s", fmt.Sprintf("%03d%s", i, strings.Repeat("x", 50)))
	}
	got := messages(t, s, "g")
	if len(got) < 5 || len(got) > 25 || !strings.HasPrefix(got[len(got)-1], "s:099") {
		t.Errorf("kept %d of 100 events, the last %q", len(got), got[len(got)-1])
	}
}
