package main

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

// process is a process of this machine.
type process struct {
	id, parent int
	name       string        // of its program
	resident   int64         // bytes of memory; what processes share counts for each
	cpu        time.Duration // user and system time, with that of children that have ended
}

// processes lists all of this machine's. Linux has them under /proc; elsewhere ps knows them.
func processes() ([]process, error) {
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
	var all []process
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

// clockTick is the unit of /proc's times, the same on all of Go's Linux ports.
const clockTick = time.Second / 100

// parseStat reads a /proc/PID/stat. See proc_pid_stat(5).
func parseStat(stat []byte) (process, error) {
	// The name stands in brackets and may hold any.
	open, end := bytes.IndexByte(stat, '('), bytes.LastIndexByte(stat, ')')
	if open < 1 || end < open {
		return process{}, fmt.Errorf("no name in brackets: %q", stat)
	}
	fields := append([]string{strings.TrimSpace(string(stat[:open])), string(stat[open+1 : end])}, strings.Fields(string(stat[end+1:]))...)
	if len(fields) < 24 {
		return process{}, fmt.Errorf("%d fields are too few", len(fields))
	}
	var numbers [24]int64
	for _, i := range []int{1, 4, 14, 15, 16, 17, 24} { // pid, ppid, utime, stime, cutime, cstime, rss
		n, err := strconv.ParseInt(fields[i-1], 10, 64)
		if err != nil {
			return process{}, fmt.Errorf("field %d: %w", i, err)
		}
		numbers[i-1] = n
	}
	ticks := numbers[13] + numbers[14] + numbers[15] + numbers[16]
	return process{
		id: int(numbers[0]), parent: int(numbers[3]), name: fields[1],
		resident: numbers[23] * int64(os.Getpagesize()), cpu: time.Duration(ticks) * clockTick,
	}, nil
}

// parsePS reads lines of pid, ppid, rss in KiB, time and command.
func parsePS(out string) ([]process, error) {
	var all []process
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
		all = append(all, process{id, parent, filepath.Base(strings.Join(fields[4:], " ")), kibibytes << 10, cpu})
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

// usage is what a tree of processes uses.
type usage struct {
	resident                      int64
	runner, store, functions, own time.Duration // CPU time: the runner's, its S3 server's, its functions', and this program's
	machine                       time.Duration // CPU time of all programs; 0 where that is not known
}

// use sums up the processes that descend from root, a runner, and root itself.
func use(all []process, root int) usage {
	children := map[int][]process{}
	var u usage
	for _, p := range all {
		children[p.parent] = append(children[p.parent], p)
		if p.id == root {
			u.resident, u.runner = p.resident, p.cpu
		}
	}
	for pending := children[root]; len(pending) > 0; {
		p := pending[0]
		pending = append(pending[1:], children[p.id]...)
		u.resident += p.resident
		if p.name == "bootstrap" { // the name of every function's program
			u.functions += p.cpu
		} else {
			u.store += p.cpu
		}
	}
	return u
}

// usage is what the runner, its children and this program use now.
func (r *runner) usage() (usage, error) {
	all, err := processes()
	if err != nil {
		return usage{}, err
	}
	u := use(all, r.cmd.Process.Pid)
	var own syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &own); err != nil {
		return usage{}, err
	}
	u.own = time.Duration(own.Utime.Nano() + own.Stime.Nano())
	u.machine, err = machineCPU()
	return u, err
}

// machineCPU answers the CPU time of all programs, 0 where there is no /proc/stat.
func machineCPU() (time.Duration, error) {
	stat, err := os.ReadFile("/proc/stat")
	if errors.Is(err, os.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	return parseMachine(stat)
}

// parseMachine reads the first line of /proc/stat. See proc_stat(5).
func parseMachine(stat []byte) (time.Duration, error) {
	line, _, _ := strings.Cut(string(stat), "\n")
	fields := strings.Fields(line)
	if len(fields) < 9 || fields[0] != "cpu" {
		return 0, fmt.Errorf("/proc/stat begins with %q", line)
	}
	var ticks int64
	for _, i := range []int{1, 2, 3, 6, 7, 8} { // user, nice, system, irq, softirq and steal: all but idle and iowait
		n, err := strconv.ParseInt(fields[i], 10, 64)
		if err != nil {
			return 0, fmt.Errorf("/proc/stat: %w", err)
		}
		ticks += n
	}
	return time.Duration(ticks) * clockTick, nil
}

// since answers the CPU time used after an earlier look; memory is that of now.
func (u usage) since(before usage) usage {
	u.runner -= before.runner
	u.store -= before.store
	u.functions -= before.functions
	u.own -= before.own
	u.machine -= before.machine
	return u
}
