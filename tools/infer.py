"""Restore photographs: `python tools/infer.py [CHECKPOINT...] --input FILE|DIR|CSV --out DIR|ZIP`."""

import argparse
import sys
from pathlib import Path

if __name__ == '__main__':
    sys.path[0] = str(Path(__file__).resolve().parents[1])  # not tools/, whose files would shadow packages

from toolbox.config.options import add_trust_option
from toolbox.system.cli import parse, refuse_together, run_tool
from toolbox.system.paths import command

EXAMPLES = """examples:
  %(prog)s old.jpg
  %(prog)s --input old.jpg --out restored
  %(prog)s best.pth --input photos --out restored
  %(prog)s run/fold_*/best.pth --weights score --tta d4 --input test.csv --out submission.zip

exit codes: 0 all restored, 2 wrong usage, 3 some photographs failed (failures.csv), 130 interrupted (--resume goes on)
"""


def build_parser(prog: str | None = None) -> argparse.ArgumentParser:
    """The command line; `prog` is what a person types for it."""
    parser = argparse.ArgumentParser(
        prog=prog or command('infer'),
        description='Fill the holes of gray photographs and color them, with one trained model or many.',
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        'files',
        nargs='*',
        metavar='CHECKPOINT|PHOTO',
        help='best.pth files or run folders: of folds, all of them (default: the shipped model); without --input '
        'photographs, too',
    )
    parser.add_argument('--input', metavar='FILE|DIR|CSV', help='photographs, or a list like test.csv')
    parser.add_argument(
        '--out', metavar='DIR|ZIP', help="folder, or a submission's flat zip (default: a new folder, restored)"
    )
    parser.add_argument(
        '--weights', type=_weights, metavar='W,...|score', help='of the models: numbers, or their validation scores'
    )
    parser.add_argument(
        '--average-checkpoints', action='store_true', help="average the networks' weights, not their predictions"
    )
    parser.add_argument('--tta', choices=('none', 'flip', 'd4'), default='none', help='symmetries (default: none)')
    parser.add_argument(
        '--tile', type=_whole, metavar='N', help='side of blended tiles, px; 0: never (default: where images are large)'
    )
    parser.add_argument(
        '--batch-size', type=_positive, metavar='N', help="photographs at once (default: the config's data.batch_size)"
    )
    parser.add_argument(
        '--masks', default='auto', metavar='auto|DIR|none', help='holes: found, from files, none (default: auto)'
    )
    parser.add_argument(
        '--colors',
        choices=('natural', 'matched'),
        help='how models of classes of chroma are read: for the eye, or for the score (default: natural)',
    )
    parser.add_argument(
        '--strength', type=_strength, metavar='0..1.5', help='how much color (default: 1, what the model says)'
    )
    parser.add_argument('--save-masks', metavar='DIR', help='write the holes, 255 = hole')
    parser.add_argument('--keep-metadata', action='store_true', help='copy EXIF and RGB color profiles to the outputs')
    parser.add_argument(
        '--max-megapixels', type=_positive, default=170, metavar='N', help='refuse larger photographs (default: 170)'
    )
    parser.add_argument('--device', choices=('auto', 'cpu', 'cuda'), default='auto', help='(default: auto)')
    parser.add_argument(
        '--precision',
        choices=('bf16', 'float32'),
        help='of the networks (default: float32 unless the config says bf16)',
    )
    add_trust_option(parser, 'a checkpoint')
    parser.add_argument('--resume', action='store_true', help='go on with an interrupted job')
    return parser


def parse_arguments(argv: list[str] | None, prog: str | None = None) -> argparse.Namespace:
    """What was typed, checked."""
    parser = build_parser(prog)
    arguments = parse(parser, argv)
    if arguments.out is None and arguments.resume:
        parser.error('--resume needs --out, the folder of the job to go on with')
    if arguments.out is not None and arguments.out.lower().endswith('.zip'):
        refuse_together(parser, arguments, 'for a .zip, whose images hold pixels alone', 'keep_metadata')
    return arguments


def main(argv: list[str] | None = None, prog: str | None = None) -> int:
    """Restore; returns the exit code. What was typed is checked before torch is imported."""
    arguments = parse_arguments(argv, prog)
    return run_tool(lambda: run(arguments))


def run(arguments: argparse.Namespace) -> int:
    """Check and list, then restore."""
    from toolbox.infer.request import check_request, is_checkpoint

    checkpoints, photos = arguments.files, arguments.input
    if photos is None:
        checkpoints = [file for file in arguments.files if is_checkpoint(Path(file))]
        photos = [file for file in arguments.files if file not in checkpoints]
    if not photos:
        raise ValueError('no photographs: name some, like old.jpg, or a folder or csv of them by --input')
    request = check_request(
        checkpoints,
        photos,
        arguments.out,
        weights=arguments.weights,
        average=arguments.average_checkpoints,
        tta=arguments.tta,
        tile=arguments.tile,
        batch_size=arguments.batch_size,
        masks=arguments.masks,
        save_masks=arguments.save_masks,
        device=arguments.device,
        precision=arguments.precision,
        resume=arguments.resume,
        keep_metadata=arguments.keep_metadata,
        colors=arguments.colors,
        strength=arguments.strength,
        max_pixels=arguments.max_megapixels * 1_000_000,
        trust_plugins=arguments.trust_plugins,
    )

    from toolbox.infer.restore_files import infer

    return infer(request)


def _weights(text: str) -> list[float] | str:
    if text == 'score':
        return text
    try:
        return [float(number) for number in text.split(',')]
    except ValueError:
        raise argparse.ArgumentTypeError(f'{text}: expected numbers like 1,2,1, or score') from None


def _strength(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number <= 1.5:
        raise argparse.ArgumentTypeError(f'{text}: expected a number from 0 (gray) to 1.5')
    return number


def _whole(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f'{text}: expected a whole number')
    return int(text)


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f'{text}: expected a whole number from 1 on')
    return int(text)


if __name__ == '__main__':
    sys.exit(main())
