// Package process lists the processes of this machine.
package process

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Process is a process of this machine.
type Process struct {
	ID, Parent int
	Name       string        // of its program
	Resident   int64         // bytes of memory; what processes share counts for each
	CPU        time.Duration // user and system time, with that of children that have ended
}

// Kill ends it as kill -9 does. One that has ended already is no error.
func (p Process) Kill() error {
	if err := syscall.Kill(p.ID, syscall.SIGKILL); !errors.Is(err, syscall.ESRCH) {
		return err
	}
	return nil
}

// List answers all of this machine's. Linux has them under /proc; elsewhere ps knows them.
func List() ([]Process, error) {
	if runtime.GOOS != "linux" {
		out, err := exec.Command("ps", "-axo", "pid=,ppid=,rss=,time=,comm=").Output()
		if err != nil {
			return nil, fmt.Errorf("ps: %w", err)
		}
		return parsePS(string(out))
	}
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return nil, err
	}
	var all []Process
	for _, path := range stats {
		stat, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended
		}
		p, err := parseStat(stat)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		all = append(all, p)
	}
	return all, nil
}

// ClockTick is the unit of /proc's times, the same on all of Go's Linux ports.
const ClockTick = time.Second / 100

// parseStat reads a /proc/PID/stat. See proc_pid_stat(5).
func parseStat(stat []byte) (Process, error) {
	// The name stands in brackets and may hold any.
	open, end := bytes.IndexByte(stat, '('), bytes.LastIndexByte(stat, ')')
	if open < 1 || end < open {
		return Process{}, fmt.Errorf("no name in brackets: %q", stat)
	}
	fields := append([]string{strings.TrimSpace(string(stat[:open])), string(stat[open+1 : end])}, strings.Fields(string(stat[end+1:]))...)
	if len(fields) < 24 {
		return Process{}, fmt.Errorf("%d fields are too few", len(fields))
	}
	var numbers [24]int64
	for _, i := range []int{1, 4, 14, 15, 16, 17, 24} { // pid, ppid, utime, stime, cutime, cstime, rss
		n, err := strconv.ParseInt(fields[i-1], 10, 64)
		if err != nil {
			return Process{}, fmt.Errorf("field %d: %w", i, err)
		}
		numbers[i-1] = n
	}
	ticks := numbers[13] + numbers[14] + numbers[15] + numbers[16]
	return Process{
		ID: int(numbers[0]), Parent: int(numbers[3]), Name: fields[1],
		Resident: numbers[23] * int64(os.Getpagesize()), CPU: time.Duration(ticks) * ClockTick,
	}, nil
}

// parsePS reads lines of pid, ppid, rss in KiB, time and command.
func parsePS(out string) ([]Process, error) {
	var all []Process
	for line := range strings.Lines(out) {
		fields := strings.Fields(line)
		if len(fields) < 5 {
			continue // a process that is ending has no command
		}
		id, idErr := strconv.Atoi(fields[0])
		parent, parentErr := strconv.Atoi(fields[1])
		kibibytes, sizeErr := strconv.ParseInt(fields[2], 10, 64)
		cpu, cpuErr := parseCPU(fields[3])
		if idErr != nil || parentErr != nil || sizeErr != nil || cpuErr != nil {
			return nil, fmt.Errorf("ps says %q", line)
		}
		all = append(all, Process{id, parent, filepath.Base(strings.Join(fields[4:], " ")), kibibytes << 10, cpu})
	}
	return all, nil
}

// parseCPU reads ps's time: [[days-]hours:]minutes:seconds[.hundredths].
func parseCPU(text string) (time.Duration, error) {
	days, rest, found := strings.Cut(text, "-")
	if !found {
		days, rest = "0", text
	}
	sum, err := strconv.ParseFloat(days, 64)
	sum *= 24 // hours
	parts := strings.Split(rest, ":")
	if len(parts) > 3 {
		return 0, fmt.Errorf("%q is no time", text)
	}
	for len(parts) < 3 {
		parts = append([]string{"0"}, parts...)
	}
	for i, part := range parts {
		n, partErr := strconv.ParseFloat(part, 64)
		if partErr != nil {
			err = partErr
		}
		if i > 0 {
			sum *= 60
		}
		sum += n
	}
	return time.Duration(sum * float64(time.Second)), err
}
