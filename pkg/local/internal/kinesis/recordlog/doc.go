// Package recordlog keeps the records of one shard in append-only segment files.
//
// A record is in the file (write(2) has returned) before Append does, so it survives the end of the process at any
// moment, kill -9 included; it is not synced to the disk, so it need not survive the machine. Every record carries a
// checksum: what a killed process left half-written at the end is cut off when the log is opened again.
//
// Memory does not grow with the number of records: there is no index of them, only a few words for each segment. A
// Position carries the byte offset it stands at, and a reader that has none scans one segment at most.
package recordlog
