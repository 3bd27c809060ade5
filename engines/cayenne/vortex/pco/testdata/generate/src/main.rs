// Writes the fixtures of package pco with the Rust implementation: every kind
// of number in every mode and delta encoding, several pages each.
// cargo run | gzip -9n > ../pages.bin.gz
use half::f16;
use pco::data_types::Number;
use pco::wrapped::FileCompressor;
use pco::{ChunkConfig, DeltaSpec, ModeSpec, PagingSpec};
use std::io::Write;

fn put(out: &mut Vec<u8>, b: &[u8]) {
    out.extend((b.len() as u32).to_le_bytes());
    out.extend(b);
}

fn one<T: Number>(
    out: &mut Vec<u8>,
    name: &str,
    kind: u8,
    nums: &[T],
    raw: &dyn Fn(&T) -> Vec<u8>,
    mode: &ModeSpec,
    delta: &DeltaSpec,
    pages: &[usize],
) {
    let config = ChunkConfig::default()
        .with_mode_spec(mode.clone())
        .with_delta_spec(delta.clone())
        .with_enable_8_bit(true)
        .with_paging_spec(PagingSpec::Exact(pages.to_vec()));
    let fc = FileCompressor::default();
    let mut header = vec![];
    fc.write_header(&mut header).unwrap();
    let mut cc = match fc.chunk_compressor(nums, &config) {
        Ok(cc) => cc,
        Err(e) => {
            eprintln!("{name}: left out: {e}");
            return;
        }
    };
    eprintln!(
        "{name}: {:?} {:?}",
        std::mem::discriminant(&cc.meta().mode),
        cc.meta().delta_encoding
    );
    let mut meta = vec![];
    cc.write_meta(&mut meta).unwrap();
    put(out, name.as_bytes());
    out.push(kind);
    put(out, &header);
    put(out, &meta);
    out.extend((pages.len() as u32).to_le_bytes());
    for (i, n) in pages.iter().enumerate() {
        let mut page = vec![];
        cc.write_page(i, &mut page).unwrap();
        out.extend((*n as u32).to_le_bytes());
        put(out, &page);
    }
    let mut bytes = vec![];
    for n in nums {
        bytes.extend(raw(n));
    }
    put(out, &bytes);
}

struct Rng(u64);
impl Rng {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545F4914F6CDD1D)
    }
}

const PAGES: [usize; 4] = [300, 120, 1, 3];
const N: usize = 424;

macro_rules! ints {
    ($out: expr, $t: ty, $kind: expr) => {
        let name = stringify!($t);
        let mut r = Rng(7 + $kind as u64);
        let random: Vec<$t> = (0..N).map(|_| r.next() as $t).collect();
        let skewed: Vec<$t> = (0..N)
            .map(|i| {
                let bits = r.next() % (<$t>::BITS as u64 - 1);
                ((r.next() >> 1) as $t >> bits).wrapping_add((i % 3) as $t)
            })
            .collect();
        let sorted: Vec<$t> = (0..N)
            .map(|i| (i as $t).wrapping_mul(3).wrapping_add((r.next() % 5) as $t))
            .collect();
        let mults: Vec<$t> = (0..N)
            .map(|_| ((r.next() % 12) as $t).wrapping_mul(10))
            .collect();
        let wave: Vec<$t> = (0..N)
            .map(|i| ((i as f64 * 0.05).sin() * 50.0 + 60.0) as $t)
            .collect();
        let period: Vec<$t> = (0..N).map(|i| random[(i * i) % 10]).collect();
        let constant: Vec<$t> = vec![42; N];
        let raw = |x: &$t| x.to_le_bytes().to_vec();
        let (a, no) = (ModeSpec::Auto, &DeltaSpec::NoOp);
        one(
            $out,
            &format!("{name} random"),
            $kind,
            &random,
            &raw,
            &a,
            &DeltaSpec::Auto,
            &PAGES,
        );
        one(
            $out,
            &format!("{name} skewed"),
            $kind,
            &skewed,
            &raw,
            &ModeSpec::Classic,
            &no,
            &PAGES,
        );
        one(
            $out,
            &format!("{name} constant"),
            $kind,
            &constant,
            &raw,
            &a,
            &DeltaSpec::Auto,
            &PAGES,
        );
        one(
            $out,
            &format!("{name} multiples"),
            $kind,
            &mults,
            &raw,
            &ModeSpec::TryIntMult(10),
            &no,
            &PAGES,
        );
        one(
            $out,
            &format!("{name} multiples with deltas"),
            $kind,
            &mults,
            &raw,
            &ModeSpec::TryIntMult(7),
            &DeltaSpec::TryConsecutive(2),
            &PAGES,
        );
        one(
            $out,
            &format!("{name} dictionary"),
            $kind,
            &period,
            &raw,
            &ModeSpec::TryDict,
            &no,
            &PAGES,
        );
        one(
            $out,
            &format!("{name} dictionary with lookback"),
            $kind,
            &period,
            &raw,
            &ModeSpec::TryDict,
            &DeltaSpec::TryLookback,
            &PAGES,
        );
        for order in [1, 2, 7] {
            one(
                $out,
                &format!("{name} order {order}"),
                $kind,
                &sorted,
                &raw,
                &ModeSpec::Classic,
                &DeltaSpec::TryConsecutive(order),
                &PAGES,
            );
        }
        one(
            $out,
            &format!("{name} lookback"),
            $kind,
            &period,
            &raw,
            &ModeSpec::Classic,
            &DeltaSpec::TryLookback,
            &PAGES,
        );
        for order in [1, 2, 6, 32] {
            one(
                $out,
                &format!("{name} convolution {order}"),
                $kind,
                &wave[..420],
                &raw,
                &ModeSpec::Classic,
                &DeltaSpec::TryConv1(order),
                &[300, 120],
            );
        }
        one(
            $out,
            &format!("{name} auto"),
            $kind,
            &sorted,
            &raw,
            &a,
            &DeltaSpec::Auto,
            &PAGES,
        );
    };
}

macro_rules! floats {
    ($out: expr, $t: ty, $kind: expr, $from: expr, $special: expr, $quant: expr) => {
        let name = stringify!($t);
        let mut r = Rng(70 + $kind as u64);
        let random: Vec<$t> = (0..N)
            .map(|_| $from((r.next() >> 11) as f64 / 9007199254740992.0 - 0.5))
            .collect();
        let mut special = random.clone();
        for (i, s) in $special.iter().enumerate() {
            special[i * 11 + 3] = *s;
            special[i * 11 + 4] = *s;
        }
        let money: Vec<$t> = (0..N)
            .map(|_| $from(((r.next() % 2000) as f64 - 900.0) * 0.01))
            .collect();
        let mut mixed = money.clone();
        for (i, s) in $special.iter().enumerate() {
            mixed[i * 11 + 3] = *s;
        }
        let coarse: Vec<$t> = (0..N)
            .map(|i| {
                $from(
                    ((r.next() % 64) as f64 - 32.0) / 16.0 + if i % 50 == 0 { 0.0001 } else { 0.0 },
                )
            })
            .collect();
        let period: Vec<$t> = (0..N).map(|i| special[(i * i) % 97]).collect();
        let raw = |x: &$t| x.to_le_bytes().to_vec();
        let no = DeltaSpec::NoOp;
        one(
            $out,
            &format!("{name} random"),
            $kind,
            &random,
            &raw,
            &ModeSpec::Auto,
            &DeltaSpec::Auto,
            &PAGES,
        );
        one(
            $out,
            &format!("{name} special"),
            $kind,
            &special,
            &raw,
            &ModeSpec::Classic,
            &no,
            &PAGES,
        );
        one(
            $out,
            &format!("{name} multiples"),
            $kind,
            &money,
            &raw,
            &ModeSpec::TryFloatMult(0.01),
            &no,
            &PAGES,
        );
        one(
            $out,
            &format!("{name} multiples with specials"),
            $kind,
            &mixed,
            &raw,
            &ModeSpec::TryFloatMult(0.01),
            &DeltaSpec::TryConsecutive(1),
            &PAGES,
        );
        one(
            $out,
            &format!("{name} quantised"),
            $kind,
            &coarse,
            &raw,
            &ModeSpec::TryFloatQuant($quant),
            &no,
            &PAGES,
        );
        one(
            $out,
            &format!("{name} quantised specials"),
            $kind,
            &mixed,
            &raw,
            &ModeSpec::TryFloatQuant($quant),
            &no,
            &PAGES,
        );
        one(
            $out,
            &format!("{name} dictionary"),
            $kind,
            &period,
            &raw,
            &ModeSpec::TryDict,
            &no,
            &PAGES,
        );
        one(
            $out,
            &format!("{name} lookback"),
            $kind,
            &period,
            &raw,
            &ModeSpec::Classic,
            &DeltaSpec::TryLookback,
            &PAGES,
        );
        one(
            $out,
            &format!("{name} auto money"),
            $kind,
            &money,
            &raw,
            &ModeSpec::Auto,
            &DeltaSpec::Auto,
            &PAGES,
        );
        one(
            $out,
            &format!("{name} auto coarse"),
            $kind,
            &coarse,
            &raw,
            &ModeSpec::Auto,
            &DeltaSpec::Auto,
            &PAGES,
        );
    };
}

fn main() {
    let mut out = vec![];
    let o = &mut out;
    ints!(o, u8, 0);
    ints!(o, u16, 1);
    ints!(o, u32, 2);
    ints!(o, u64, 3);
    ints!(o, i8, 4);
    ints!(o, i16, 5);
    ints!(o, i32, 6);
    ints!(o, i64, 7);
    let s16 = [
        f16::NAN,
        f16::from_bits(0xfe01),
        f16::INFINITY,
        f16::NEG_INFINITY,
        f16::from_bits(0x8000),
        f16::from_bits(1),
        f16::MAX,
        f16::MIN,
        f16::from_bits(0x7c01),
    ];
    floats!(o, f16, 8, f16::from_f64, s16, 4);
    let s32 = [
        f32::NAN,
        f32::from_bits(0xffc12345),
        f32::INFINITY,
        f32::NEG_INFINITY,
        -0.0,
        f32::from_bits(1),
        f32::MAX,
        f32::MIN,
        1e30,
    ];
    floats!(o, f32, 9, |x: f64| x as f32, s32, 13);
    let s64 = [
        f64::NAN,
        f64::from_bits(0xfff8123456789abc),
        f64::INFINITY,
        f64::NEG_INFINITY,
        -0.0,
        f64::from_bits(1),
        f64::MAX,
        f64::MIN,
        1e300,
    ];
    floats!(o, f64, 10, |x: f64| x, s64, 40);
    std::io::stdout().write_all(&out).unwrap();
}
