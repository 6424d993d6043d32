package logs

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"testing/synctest"
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
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir)
	put(t, s, "/aws/a", "two", "after a restart")
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
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
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
	s = open(t, dir)
	put(t, s, "g", "s", "next")
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

func TestALineIsSoonInItsFile(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s := open(t, dir)
		for _, message := range []string{"first", "second"} {
			put(t, s, "g", "s", message)
			time.Sleep(writeWithin)
			synctest.Wait()
			text, err := os.ReadFile(s.path("g", "s"))
			if err != nil || !strings.HasSuffix(string(text), `,"timestamp":1763803800123,"message":"`+message+"\"}\n") {
				t.Errorf("the file holds %q, %v, want it to end with the %s message", text, err, message)
			}
		}
	})
}

func TestALogThatCannotBeWrittenSaysSo(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s, err := Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		put(t, s, "g", "s", "first")
		if err := s.files[streamName{"g", "s"}].File.Close(); err != nil { // as a full disk would
			t.Fatal(err)
		}
		time.Sleep(writeWithin)
		synctest.Wait()
		if err := s.Put("g", "s", time.Now(), "second"); !errors.Is(err, os.ErrClosed) {
			t.Errorf("the next line's error is %v, want that of the first", err)
		}
		if err := s.Close(); !errors.Is(err, os.ErrClosed) {
			t.Errorf("the error of Close is %v, want that of the line that is lost", err)
		}
	})
}

func TestAnyTextReadsBack(t *testing.T) {
	s := open(t, t.TempDir())
	for message, want := range map[string]string{
		"quotes \" and \\ and <&>":  "quotes \" and \\ and <&>",
		"\x00\x1f\u2028 \U0001f600": "\x00\x1f\u2028 \U0001f600",
		"no UTF-8: \xff":            "no UTF-8: \ufffd",
		"":                          "",
	} {
		put(t, s, message, message+"s", message)
		got := messages(t, s, message)
		if len(got) != 1 || got[0] != want+"s:"+want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func BenchmarkPut(b *testing.B) {
	s, err := Open(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	line := strings.Repeat(`"member":"value",`, 35)
	b.ReportAllocs()
	for b.Loop() {
		if err := s.Put("/aws/apigateway/a", "access", time.Now(), line); err != nil {
			b.Fatal(err)
		}
	}
}
