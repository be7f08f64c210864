"""Score a trained model, or submissions to the leaderboard."""

import argparse
import sys
from pathlib import Path

if __name__ == '__main__':
    sys.path[0] = str(Path(__file__).resolve().parents[1])  # not tools/, whose files would shadow packages

from toolbox.config.options import ParseOptions, add_trust_option
from toolbox.system.cli import parse, refuse_together, run_tool
from toolbox.system.paths import command

EXAMPLES = """examples:
  %(prog)s configs/unetpp_cbam_b4.py --report report
  %(prog)s configs/unetpp_cbam_b4.py --export test_set
  %(prog)s --submission mine.zip --gt truth --masks masks
  %(prog)s --submission mine.zip theirs.zip --gt truth --masks auto --inputs damaged --report report
"""


def build_parser(prog: str | None = None) -> argparse.ArgumentParser:
    """The command line; `prog` is what a person types for it."""
    parser = argparse.ArgumentParser(
        prog=prog or command('test'),
        description='Score a trained model on its validation photographs, or submissions to the leaderboard.',
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    model = parser.add_argument_group('a model')
    model.add_argument(
        'config', nargs='?', help='config file or run folder, whose newest best.pth is scored; or a checkpoint'
    )
    model.add_argument('checkpoint', nargs='?', help='a best.pth or last.pth of it; it carries its own resolved config')
    model.add_argument(
        '--data-root', metavar='DIR', help='where the photographs lie, if not where they were in training'
    )
    model.add_argument(
        '--cfg-options', nargs='+', action=ParseOptions, metavar='K=V', help="in place of the config's values"
    )
    model.add_argument(
        '--colors',
        choices=('natural', 'matched'),
        help='how a model of classes of chroma is read: for the eye, or for the score',
    )
    model.add_argument(
        '--export', metavar='DIR', help='write the scored photographs, damaged, as a test set with truth and test.csv'
    )
    add_trust_option(model, 'the checkpoint')
    submission = parser.add_argument_group('submissions')
    submission.add_argument(
        '--submission', nargs='+', metavar='ZIP|DIR', help='flat zip or folder of PNGs; several compare'
    )
    submission.add_argument('--gt', metavar='DIR', help='the true photographs')
    submission.add_argument('--masks', metavar='DIR|auto', help='masks, 255 = hole, or auto: found in --inputs')
    submission.add_argument('--inputs', metavar='DIR', help='the damaged gray images')
    parser.add_argument('--json', metavar='FILE', help='write the score, its parts and a row per image')
    parser.add_argument('--report', metavar='DIR', help='write report.html and per_image.csv')
    return parser


def parse_arguments(argv: list[str] | None, prog: str | None = None) -> argparse.Namespace:
    """The command line; a model or submissions, not both."""
    parser = build_parser(prog)
    arguments = parse(parser, argv)
    if (arguments.config is None) == (arguments.submission is None):
        parser.error('give a config to score a model, or --submission to score submissions')
    if arguments.submission is not None:
        refuse_together(parser, arguments, 'beside --submission', 'data_root cfg_options colors export trust_plugins')
        if arguments.gt is None or arguments.masks is None:
            parser.error('--submission needs --gt DIR, and --masks DIR or --masks auto --inputs DIR')
    else:
        refuse_together(parser, arguments, 'to score a model: they are for --submission', 'gt masks inputs')
        if arguments.config.endswith(('.pth', '.safetensors')) and arguments.checkpoint is None:
            arguments.config, arguments.checkpoint = None, arguments.config
    return arguments


def main(argv: list[str] | None = None, prog: str | None = None) -> int:
    """Score; returns the exit code. What was typed is checked before torch is imported."""
    arguments = parse_arguments(argv, prog)
    return run_tool(lambda: run(arguments))


def run(arguments: argparse.Namespace) -> None:
    """Check where results go, then score what was asked for."""
    from toolbox.system.disk_errors import advised
    from toolbox.system.output_paths import check_output

    check_output('--json', arguments.json, is_folder=False)
    check_output('--report', arguments.report, is_folder=True)
    check_output('--export', arguments.export, is_folder=True)
    with advised('the scores that are printed stand: the same command writes the files'):
        score_submissions(arguments) if arguments.submission else score_model(arguments)


def score_model(arguments: argparse.Namespace) -> None:
    """Score a checkpoint and print a table."""
    from toolbox.data.sources import check_data_root
    from toolbox.system.paths import find_config

    if arguments.config is not None:
        find_config(arguments.config)
    if arguments.checkpoint is not None and not Path(arguments.checkpoint).is_file():
        raise FileNotFoundError(f'no checkpoint {arguments.checkpoint}')
    if arguments.data_root is not None:
        check_data_root(arguments.data_root)

    from toolbox.report.score import write_score_report
    from toolbox.system.files import write_json
    from toolbox.training.testing import print_score, score_model

    options = arguments.cfg_options or {}
    if arguments.colors is not None:
        options['model.layout.colors'] = arguments.colors
    scored = score_model(arguments.config, arguments.checkpoint, arguments.data_root, options, arguments.trust_plugins)
    print_score(scored)
    if arguments.json:
        write_json(Path(arguments.json), scored.as_json())
    if arguments.report:
        entry, baselines = scored.as_entry(), scored.baselines()
        about, how, config = f'On {scored.photos}.', scored.how(), scored.config.pretty_text
        page = write_score_report(arguments.report, [entry], about=about, baselines=baselines, how=how, config=config)
        print(f'report: {page}')
    if arguments.export:
        from toolbox.infer.test_set import export_test_set

        print(export_test_set(scored, arguments.export))


def score_submissions(arguments: argparse.Namespace) -> None:
    """Check submissions, then score them and print a table."""
    from toolbox.scoring.score_submissions import (
        as_json,
        check_submissions,
        how_scored,
        notes,
        score_baselines,
        score_submissions,
    )

    checked = check_submissions(arguments.submission, arguments.gt, masks=arguments.masks, inputs=arguments.inputs)

    from toolbox.report.score import write_score_report
    from toolbox.system.files import write_json
    from toolbox.system.tables import score_table

    entries = score_submissions(checked)
    for note in notes(checked, entries):
        print(f'note: {note}')
    print(score_table({entry.name: entry.summary for entry in entries}))
    if arguments.json:
        write_json(Path(arguments.json), as_json(entries))
    if arguments.report:
        baselines, how = score_baselines(checked), how_scored(checked)
        print(f'report: {write_score_report(arguments.report, entries, baselines=baselines, how=how)}')


if __name__ == '__main__':
    sys.exit(main())
