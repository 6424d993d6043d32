package recordlog

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
)

// A frame is one record in a segment file, little-endian:
//
//	4 bytes  length of the body
//	4 bytes  CRC-32C of the body
//	body:    8 bytes index, 8 bytes arrival (Unix milliseconds), 2 bytes length of the key, the key, the data
const (
	headerBytes = 8
	fixedBytes  = 18
	// maxBody refuses lengths that only a damaged file can hold: Kinesis's largest record is 10 MiB.
	maxBody = 16 << 20
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

var (
	errShort   = errors.New("the frame is longer than what is left")
	errDamaged = errors.New("the checksum does not match")
)

// frame is a record in the bytes that it was read from.
type frame struct {
	index   uint64
	arrival int64
	key     []byte
	data    []byte
}

func appendFrame(dst []byte, index uint64, arrival int64, key string, data []byte) []byte {
	start := len(dst)
	dst = append(dst, make([]byte, headerBytes)...)
	dst = binary.LittleEndian.AppendUint64(dst, index)
	dst = binary.LittleEndian.AppendUint64(dst, uint64(arrival))
	dst = binary.LittleEndian.AppendUint16(dst, uint16(len(key)))
	dst = append(dst, key...)
	dst = append(dst, data...)
	body := dst[start+headerBytes:]
	binary.LittleEndian.PutUint32(dst[start:], uint32(len(body)))
	binary.LittleEndian.PutUint32(dst[start+4:], crc32.Checksum(body, castagnoli))
	return dst
}

// frameBytes reads the length of the whole frame at the start of buf, errShort if buf does not even hold that.
func frameBytes(buf []byte) (int, error) {
	if len(buf) < headerBytes {
		return 0, errShort
	}
	body := binary.LittleEndian.Uint32(buf)
	if body < fixedBytes || body > maxBody {
		return 0, errDamaged
	}
	return headerBytes + int(body), nil
}

// parseFrame reads the frame at the start of buf. The frame's key and data are parts of buf.
func parseFrame(buf []byte) (f frame, size int, err error) {
	size, err = frameBytes(buf)
	if err != nil {
		return frame{}, 0, err
	}
	if len(buf) < size {
		return frame{}, size, errShort
	}
	body := buf[headerBytes:size]
	if crc32.Checksum(body, castagnoli) != binary.LittleEndian.Uint32(buf[4:]) {
		return frame{}, 0, errDamaged
	}
	key := int(binary.LittleEndian.Uint16(body[16:]))
	if fixedBytes+key > len(body) {
		return frame{}, 0, errDamaged
	}
	return frame{
		index:   binary.LittleEndian.Uint64(body),
		arrival: int64(binary.LittleEndian.Uint64(body[8:])),
		key:     body[fixedBytes : fixedBytes+key],
		data:    body[fixedBytes+key : len(body) : len(body)],
	}, size, nil
}

// FrameBytes is how much of a segment file an entry takes.
func FrameBytes(e Entry) int64 { return int64(headerBytes + fixedBytes + len(e.Key) + len(e.Data)) }
